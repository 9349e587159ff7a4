"""Roles that are programs in the Common Expression Language, and what they issue and sign (OpenBao)."""
