"""The auth methods: one module or package each, and what several of them share."""

NO_USERS = "the world has no users for this mount; list them under `directory`"
"""The hint in the journal at a login that nothing could check: the server that knows the users is not there."""
