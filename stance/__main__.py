"""`python -m stance` is the command `stance`."""

import sys

from stance.cli import main

if __name__ == "__main__":
    sys.exit(main())
