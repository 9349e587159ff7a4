"""Fault exploration: run a test or command once for each failure of each of its requests, and judge what it did.

``results`` is the outcome as data; nothing in this package depends on pytest.
"""


class ExploreError(ValueError):
    """What an exploration is given is invalid: a name, a file, a command. The message says what is expected."""
