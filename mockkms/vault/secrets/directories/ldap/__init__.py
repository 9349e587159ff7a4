"""The LDAP secrets engine, also named ``openldap``: static and dynamic accounts, and a library of accounts.

Source: ``vault-plugin-secrets-openldap``, OpenBao's ``builtin/logical/openldap``, and their API documentation.
"""
