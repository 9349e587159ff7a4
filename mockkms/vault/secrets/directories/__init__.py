"""Secrets engines for accounts of LDAP directories."""
