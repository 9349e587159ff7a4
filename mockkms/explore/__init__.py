"""Fault exploration: run a test or command once for each failure of each of its requests, and judge what it did.

``results`` is the outcome as data; nothing in this package depends on pytest.
"""
