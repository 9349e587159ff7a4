"""Completion for shells and the manual page."""
