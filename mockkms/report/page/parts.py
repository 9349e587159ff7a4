"""Parts that the sections of the page share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockkms.report.page.markup import Markup, joined, tag


def section(anchor: str, title: str, *content: object) -> Markup:
    """Return a section with its heading."""
    heading = tag("h2", title, id=f"{anchor}-title")
    return tag("section", heading, *content, id=anchor, aria_labelledby=f"{anchor}-title")


def table(caption: str, head: Sequence[str], rows: Iterable[Iterable[object]]) -> Markup:
    """Return a table that scrolls by itself where it is too wide; its caption is for screen readers.

    In narrow windows its rows are blocks, and each cell has its heading.
    """
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="visually-hidden"),
            tag("thead", tag("tr", *(column(name) for name in head), role="row"), role="rowgroup"),
            tag("tbody", *(_row(head, row) for row in rows), role="rowgroup"),
            role="table",
            class_="stacked",
        ),
        class_="scroll",
        role="region",
        aria_label=caption,
        tabindex="0",
    )


def column(name: str) -> Markup:
    """Return the heading of a column. Its role stays when narrow windows show the table as blocks."""
    return tag("th", name, scope="col", role="columnheader")


def _row(head: Sequence[str], row: Iterable[object]) -> Markup:
    return tag(
        "tr", *(tag("td", cell, role="cell", data_label=name) for name, cell in zip(head, row, strict=True)), role="row"
    )


def copyable(text: str, label: str) -> Markup:
    """Return preformatted text with a button that copies it; ``label`` says what is copied."""
    return tag(
        "div",
        tag("pre", tag("code", text.rstrip("\n")), tabindex="0", aria_label=label),
        # Shown by the script, without which it would do nothing.
        tag("button", "Copy", type="button", data_copy=True, hidden=True, aria_label=f"Copy {label}"),
        class_="copy",
    )


def folded(summary: object, *content: object, open_: bool = False) -> Markup:
    """Return content that opens below its summary."""
    return tag("details", tag("summary", summary), *content, open=open_)


def code(text: str) -> Markup:
    """Return text as code."""
    return tag("code", text)


def names(tests: Sequence[str], most: int = 3) -> Markup:
    """Return the names of tests, the first ones at once and the others folded."""
    shown = tag("ul", *(tag("li", code(name)) for name in tests[:most]), class_="names")
    if len(tests) <= most:
        return shown
    rest = tag("ul", *(tag("li", code(name)) for name in tests[most:]), class_="names")
    return joined((shown, folded(f"{len(tests) - most} more", rest)))
