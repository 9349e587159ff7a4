"""The version of mockkms."""

__version__ = "0.1.0"
