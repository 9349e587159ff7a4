"""``python -m mockkms`` is the ``mockkms`` command."""

from __future__ import annotations

import sys

from mockkms.cli import main

if __name__ == "__main__":
    sys.exit(main())
