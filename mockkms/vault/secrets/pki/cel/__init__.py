"""Roles that are programs in the Common Expression Language, and the certificates that they issue (OpenBao)."""
