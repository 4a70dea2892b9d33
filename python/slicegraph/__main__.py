"""``python -m slicegraph``: the command line, where its script is not on the path."""

import sys

from slicegraph_command import main

if __name__ == "__main__":
    sys.exit(main())
