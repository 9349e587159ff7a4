"""Programs in the Common Expression Language, used by roles. Requires the extra ``mockkms[cel]``."""

from mockkms.vault.cel.program import CelError, Program, Variable, read_program

__all__ = ["CelError", "Program", "Variable", "read_program"]
