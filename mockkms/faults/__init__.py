"""Fault rules: what goes wrong, when, and for which requests. This package plans; ``server/`` carries out."""

from __future__ import annotations

from mockkms.faults.parsing import FaultError
from mockkms.faults.plan import Plan
from mockkms.faults.request_view import Reply, View
from mockkms.faults.rule import Rule
from mockkms.faults.rulebook import RuleBook
from mockkms.faults.script import Script

__all__ = ["FaultError", "Plan", "Reply", "Rule", "RuleBook", "Script", "View"]
