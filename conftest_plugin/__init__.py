"""The pytest plugin of mockkms. Nothing but pytest is imported until a fixture is used."""
