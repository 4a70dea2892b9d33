"""``python -m proofs``; see `proofs.runner`."""

import sys

from proofs.runner import main

if __name__ == "__main__":
    sys.exit(main())
