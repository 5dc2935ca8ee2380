"""``python -m sklearn_msd``: the command line."""

import sys

from sklearn_msd.cli import main

sys.exit(main())
