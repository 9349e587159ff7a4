"""The report as one HTML page, which needs nothing but itself.

Its style and script are inline, and its Content-Security-Policy allows exactly these and no request. Without the
script, everything can be read and opened; only the copy buttons are missing.
"""

from __future__ import annotations

from importlib import resources

from mockkms.report.page.exploration import exploration_section
from mockkms.report.page.markup import Markup, joined, source, tag, verbatim
from mockkms.report.page.parts import code, copyable, folded, names, section, table
from mockkms.report.suite import Report
from mockkms.version import __version__

ADVICE = {
    "renewal-without-back-off": "Renew after about two thirds of the lifetime, and wait before trying again.",
    "retried-4xx": "Correct the request or report the error: the same request is refused again.",
    "retry-after-ignored": "Wait for the seconds of Retry-After before the next attempt.",
    "expired-token-used": "Renew a token before it ends, or log in again once it has ended.",
    "token-in-url": "Send tokens in a header: addresses are written to logs.",
    "token-left": "Revoke a token when the work is done (auth/token/revoke-self).",
    "lease-left": "Revoke a lease when the work is done (sys/leases/revoke).",
    "secret-id-left": "Destroy a secret ID that is not needed any more, or limit its uses and lifetime.",
}
"""What a client should do, by the linter's rules."""


def page(report: Report) -> str:
    """Return the page."""
    theme = resources.files("mockkms.inspector").joinpath("theme.css").read_text(encoding="utf-8")
    style, script = theme + _file("style.css"), _file("script.js")
    allowed = f"default-src 'none'; style-src {source(style)}; script-src {source(script)}"
    policy = f"{allowed}; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", "mockkms report"),
        verbatim("style", style),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        _header(report),
        tag("main", *_sections(report), id="content", tabindex="-1"),
        tag("p", id="copied", role="status", class_="visually-hidden"),
        verbatim("script", script),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, body, lang="en") + "\n"


def _file(name: str) -> str:
    return resources.files("mockkms.report.page").joinpath(name).read_text(encoding="utf-8")


def _header(report: Report) -> Markup:
    cards = []
    for count in report.counts:
        mark, kind, said = ("✗", "bad", "look at it") if count.number else ("✓", "good", "nothing found")
        cards.append(
            tag(
                "li",
                tag(
                    "a",
                    tag("strong", tag("span", mark, class_=kind, aria_hidden="true"), f" {count.number}"),
                    tag("span", count.one if count.number == 1 else count.many),
                    tag("span", f" ({said})", class_="visually-hidden"),
                    href=f"#{count.section}",
                ),
            )
        )
    facts = " · ".join(text for text in (_subject(report), report.created, f"mockkms {__version__}") if text)
    return tag(
        "header",
        tag("h1", "mockkms report"),
        tag("p", facts, class_="quiet"),
        tag("nav", tag("ul", *cards, class_="cards"), aria_label="Sections"),
    )


def _subject(report: Report) -> str:
    """Return what the report is about: tests, or a server that no test runs against."""
    if report.tests and not any(test.outcome for test in report.tests):
        return ", ".join(test.name for test in report.tests)
    tests = len(report.tests)
    return f"{tests} test used a server" if tests == 1 else f"{tests} tests used a server"


def _sections(report: Report) -> list[Markup]:
    explored = [] if report.exploration is None else [exploration_section(report.exploration)]
    # What is known of a server without tests is all in the other sections.
    tests = [_tests(report)] if any(test.outcome for test in report.tests) or not report.tests else []
    return [*explored, _habits(report), _unhandled(report), _rules(report), _grants(report), *tests]


def _nothing(text: str) -> Markup:
    return tag("p", tag("span", "✓ ", class_="good", aria_hidden="true"), text, class_="quiet")


def _habits(report: Report) -> Markup:
    found = [
        tag(
            "div",
            tag("h3", code(rule), f" ({len(places)})"),
            tag("p", ADVICE.get(rule, "")),
            table(f"Findings of {rule}", ("Test", "What happened"), [map(code, place) for place in places]),
            class_="panel",
        )
        for rule, places in report.findings.items()
    ]
    return section("habits", "Habits of the client", *(found or [_nothing("The linter found nothing.")]))


def _unhandled(report: Report) -> Markup:
    rows = [(code(line), names(tests)) for line, tests in report.unhandled.items()]
    if not rows:
        return section("unhandled", "Requests that are not emulated", _nothing("Every request was emulated."))
    said = "Their answers say nothing about a real server. Allow a path with allow_unhandled if that is intended."
    return section(
        "unhandled",
        "Requests that are not emulated",
        tag("p", said),
        table("Requests that are not emulated", ("Request", "Tests"), rows),
    )


def _rules(report: Report) -> Markup:
    title = "Fault rules that never fired"
    rows = [(code(rule), code(test) if test else "in none that has this rule") for test, rule in report.unfired]
    if not rows:
        return section("rules", title, _nothing("Every fault rule fired."))
    said = "The test did not meet the failure that it is about: compare the rule with the requests of the test."
    return section("rules", title, tag("p", said), table(title, ("Rule", "Test"), rows))


def _grants(report: Report) -> Markup:
    found = report.privileges
    rows = [
        (
            code(grant.namespace + grant.policy),
            code(grant.path),
            ", ".join(grant.unused),
            ", ".join(name for name in grant.capabilities if name not in grant.unused) or "none",
        )
        for grant in found.grants
        if grant.unused
    ]
    unused = (
        table("Grants that were never used", ("Policy", "Path", "Never used", "Used"), rows)
        if rows
        else _nothing("Every grant of the policies in play was used.")
    )
    needed = (
        folded(f"The smallest policy for all tests ({len(found.needed)} paths)", copyable(found.policy, "the policy"))
        if found.needed
        else None
    )
    return section("grants", "Least privilege", unused, needed)


def _tests(report: Report) -> Markup:
    if not report.tests:
        return section("tests", "Tests", tag("p", "No test used a server.", class_="quiet"))
    marks = {"passed": ("✓", "good"), "failed": ("✗", "bad"), "skipped": ("–", "quiet")}
    shown = []
    for test in report.tests:
        mark, kind = marks.get(test.outcome, ("·", "quiet"))
        requests = f"{test.requests} request" + ("" if test.requests == 1 else "s")
        summary = joined(
            (
                tag("span", mark, class_=kind, aria_hidden="true"),
                " ",
                code(test.name),
                tag("span", f" {test.outcome}, {requests}", class_="quiet"),
            )
        )
        problems = [tag("p", text, class_="bad") for text in test.problems]
        policy = str(test.privileges)
        needed = copyable(policy, f"the policy of {test.name}") if policy else tag("p", "It needed no policy.")
        shown.append(folded(summary, *problems, needed))
    return section("tests", "Tests", tag("p", "Each with the smallest policy that its requests needed."), *shown)
