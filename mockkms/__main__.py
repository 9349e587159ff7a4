"""The ``mockkms`` command, also run by ``python -m mockkms``."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command line of this process and return the exit code. SIGINT never shows a traceback.

    It raises KeyboardInterrupt while a command runs. Before, while modules are imported, and afterwards, it ends the
    process as it ends programs in C.
    """
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mockkms.cli import main as run

    try:
        if heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run()
        if heeded:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        return code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
