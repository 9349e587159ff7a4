"""Audit devices: configuration, hashing, and the log lines of file devices."""

from __future__ import annotations

from mockkms.vault.audit.device import Device, devices, disable, enable, hashed
from mockkms.vault.audit.log import record, record_request

__all__ = ["Device", "devices", "disable", "enable", "hashed", "record", "record_request"]
