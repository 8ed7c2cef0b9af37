"""`python -m codeclone`."""

import os
import sys

# `python -m` puts the current folder first on the path. It may be the folder that is scanned, and nothing in that is
# ever imported.
sys.path[:] = [entry for entry in sys.path if entry not in ("", os.getcwd())]

from codeclone.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
