"""Fault exploration of tests. Imported only if an option or a marker asks for it."""
