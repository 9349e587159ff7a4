"""LDAP directories as auth methods and secrets engines configure them and connect to them."""
