"""The protocol of ACME (RFC 8555), one module for each of its resources."""
