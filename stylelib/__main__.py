"""``python -m stylelib``."""

import sys

from stylelib.cli import main

sys.exit(main())
