"""Listening sockets: addresses of TCP and of Unix sockets, and the acceptance of connections."""
