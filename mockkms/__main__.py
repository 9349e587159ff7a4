"""Run the ``mockkms`` command by ``python -m mockkms``."""

from __future__ import annotations

import sys

from mockkms.cli import main

if __name__ == "__main__":
    sys.exit(main())
