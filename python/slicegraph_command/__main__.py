"""``python -m slicegraph_command``: the command as its script starts it."""

import sys

from slicegraph_command import main

if __name__ == "__main__":
    sys.exit(main())
