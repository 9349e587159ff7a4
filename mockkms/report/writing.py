"""Writes a report to a file whose name tells the format."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

from mockkms.files import write_text
from mockkms.report.suite import Report

SUFFIXES = {".html": "html", ".htm": "html", ".json": "json"}
"""The format of each suffix; all others are policies in HCL."""


def report_format(path: Path) -> str:
    """Return ``html``, ``json`` or ``hcl``. Raises ValueError for a suffix that is probably misspelled."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        close = difflib.get_close_matches(suffix, (".html", ".json"), n=1, cutoff=0.7) if suffix else []
        if close:
            raise ValueError(f"{path.name!r} has an unknown suffix: did you mean {close[0]!r}?")
    return SUFFIXES.get(suffix, "hcl")


def write_report(path: Path, report: Report) -> None:
    """Write a page or a JSON document, which replaces the file, or append the policies of the tests in HCL.

    Raises OSError; an existing file stays as it was then.
    """
    kind = report_format(path)
    if kind == "hcl":
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report.hcl())
        return
    if kind == "json":
        text = json.dumps(report.data(), indent=1, ensure_ascii=False) + "\n"
    else:
        from mockkms.report.page.page import page

        text = page(report)
    write_text(path, text)
