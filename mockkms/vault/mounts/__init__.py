"""The table of mounts, found by path, accessor and namespace, and the endpoint of a mount that a request is for."""
