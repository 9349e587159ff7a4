"""Audit devices: what they are, how they hash, and the log lines they write where a file was asked for."""

from __future__ import annotations

from mockkms.vault.audit.device import Device, devices, disable, enable, hashed
from mockkms.vault.audit.log import record

__all__ = ["Device", "devices", "disable", "enable", "hashed", "record"]
