"""The inspector at ``/_mockkms/ui/`` in a real browser, and the routes of the control API that it uses."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS

from .browser import CHROMIUM, Page, browser

UI = "/_mockkms/ui/"
VIEWS = {
    "overview": "Overview", "journal": "Journal", "faults": "Faults", "mounts": "Mounts", "tokens": "Tokens",
    "leases": "Leases", "policies": "Policies", "state": "Clock and state",
}  # fmt: skip
"""Headings of the views."""
SCREENSHOTS = os.environ.get("MOCKKMS_SCREENSHOTS", "")
"""Folder to write the screenshots of the documentation to."""
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture
def busy() -> Iterator[MockKMS]:
    """A server with keys, secrets, tokens, leases, a rule and some requests."""
    with MockKMS(seed="payments", root_token="root") as kms:
        kms.clock.freeze()
        send(kms, "POST", "sys/mounts/aws", {"type": "aws"})
        send(kms, "POST", "aws/roles/reader", {"credential_type": "iam_user", "policy_document": "{}"})
        send(kms, "GET", "aws/creds/reader")
        for number in range(3):
            send(kms, "POST", "secret/data/app", {"data": {"password": f"hunter{number}"}})
        yield kms


def send(kms: MockKMS, method: str, path: str, body: object = None, token: str = "root") -> requests.Response:
    return requests.request(method, f"{kms.url}/v1/{path}", json=body, headers={"X-Vault-Token": token}, timeout=60)


def ask(kms: MockKMS, method: str, path: str, body: object = None) -> requests.Response:
    return requests.request(method, f"{kms.url}/_mockkms/{path}", json=body, timeout=60)


# -- the control API's side ------------------------------------------------------------------------------------------


def test_the_files_of_the_page(busy: MockKMS) -> None:
    page = requests.get(busy.url + UI, timeout=60)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert requests.get(busy.url + UI + "main.js", timeout=60).headers["Content-Type"].startswith("text/javascript")
    assert requests.get(busy.url + UI.rstrip("/"), timeout=60).url == busy.url + UI
    for name in ("nothing.js", "__init__.py", "../version.py", "..%2fversion.py"):
        assert requests.get(busy.url + UI + name, timeout=60).status_code == 404


def test_the_inspector_leaves_no_journal_entries(busy: MockKMS) -> None:
    before, entropy = busy.journal.total, busy.world.entropy.state()
    state = busy.dump()
    for path in (
        "inspect", "inspect/mounts", "inspect/tokens", "inspect/leases", "inspect/policies", "inspect/kinds",
        "journal/1",
        "inspect/data?path=transit/keys&list=true", "inspect/data?path=transit/keys/cards",
        "inspect/data?path=secret/metadata/app", "inspect/data?path=secret/data/app",
    ):  # fmt: skip
        assert ask(busy, "GET", path).status_code == 200, path
    assert (busy.journal.total, busy.world.entropy.state(), busy.dump()) == (before, entropy, state)


def test_the_overview(busy: MockKMS) -> None:
    found = ask(busy, "GET", "inspect").json()
    assert (found["product"], found["seal"], found["counts"]["leases"]) == ("Vault", "unsealed", 1)
    assert sum(found["per_minute"]) == found["requests"] == busy.journal.total
    assert found["next_expiry"] > found["clock"]["seconds"]


def test_what_can_be_looked_into(busy: MockKMS) -> None:
    folders = {mount["path"]: mount["folders"] for mount in ask(busy, "GET", "inspect/mounts").json()["mounts"]}
    assert folders["transit/"] == ["keys"]
    assert folders["auth/approle/"] == ["role"]
    assert folders["sys/"] == []
    for path in ("aws/creds/reader", "sys/mounts", "transit/export/encryption-key/cards", "nowhere/x", ""):
        refused = ask(busy, "GET", f"inspect/data?path={path}")
        assert refused.status_code == 400
        assert "GET inspect/mounts lists the folders of each mount" in refused.json()["message"]
    assert ask(busy, "GET", "inspect/data?path=transit/keys/none").json() == {"data": None}
    send(busy, "POST", "sys/seal")
    assert ask(busy, "GET", "inspect/data?path=transit/keys/cards").json()["message"] == "the server is sealed"


def test_tokens_and_leases_without_ids(busy: MockKMS) -> None:
    child = send(busy, "POST", "auth/token/create", {"policies": ["auditor"], "ttl": "1h"}).json()["auth"]
    tokens = ask(busy, "GET", "inspect/tokens").json()["tokens"]
    found = {token["accessor"]: token for token in tokens}[child["accessor"]]
    assert found["parent"] == next(token["accessor"] for token in tokens if token["policies"] == ["root"])
    assert 3500 < found["remaining"] <= 3600
    assert child["client_token"] not in json.dumps(tokens)
    lease = ask(busy, "GET", "inspect/leases").json()["leases"][0]
    assert lease["lease_id"].startswith("aws/creds/reader/")
    assert lease["remaining"] > 0


def test_one_entry_with_and_without_its_secrets(busy: MockKMS) -> None:
    number = busy.journal.entries("secret/data/app")[-1].number
    assert "hunter2" in ask(busy, "GET", f"journal/{number}").json()["body"]
    redacted = ask(busy, "GET", f"journal/{number}?redact=true").json()
    assert "hunter2" not in json.dumps(redacted)
    assert "hunter2" in ask(busy, "GET", f"journal/{number}").json()["body"]
    assert ask(busy, "GET", "journal/999").status_code == 404


def test_the_stream_of_the_journal(busy: MockKMS) -> None:
    with requests.get(f"{busy.url}/_mockkms/journal/stream?after=2", stream=True, timeout=60) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        lines = (line for line in response.iter_lines(decode_unicode=True) if line)
        assert next(lines) == "retry: 1000"
        assert next(lines) == "event: entries"
        first = json.loads(next(lines).removeprefix("data: "))
        assert [entry["number"] for entry in first["entries"]] == list(range(3, busy.journal.total + 1))
        assert "body" not in first["entries"][0]
        busy.journal.clear()
        assert next(lines) == "event: cleared"
        assert ask(busy, "GET", "journal/stream?after=x").status_code == 400
    assert ask(busy, "GET", "inspect").status_code == 200


def test_streams_are_bounded_and_do_not_delay_the_end() -> None:
    with MockKMS() as kms:
        url = f"{kms.url}/_mockkms/journal/stream"
        streams = [requests.get(url, stream=True, timeout=60) for _ in range(16)]
        read = [stream.iter_content(1) for stream in streams]
        for content in read:
            next(content)
        refused = requests.get(url, timeout=60)
        assert refused.status_code == 503
        assert "limit of 16 streams" in refused.json()["message"]
        kms.stop()
        for stream in streams:
            stream.close()
        kms.start()
        with requests.get(f"{kms.url}/_mockkms/journal/stream", stream=True, timeout=60) as stream:
            assert stream.status_code == 200


@pytest.mark.parametrize("path", ["faults", "tenants"])
def test_what_lacks_a_name_deletes_nothing(busy: MockKMS, path: str) -> None:
    rule = busy.faults.add("sys/health", status=418)
    busy.tenant("a")
    refused = ask(busy, "DELETE", f"{path}/")
    assert refused.status_code == 404
    assert "a name is missing after the slash" in refused.text
    assert (busy.faults.get(rule.id).id, busy.tenants()) == (rule.id, ["a"])
    assert ask(busy, "DELETE", path).status_code == 200


def test_a_rule_is_disabled_and_enabled(busy: MockKMS) -> None:
    rule = busy.faults.add("sys/health", status=418)
    assert send(busy, "GET", "sys/health").status_code == 418
    assert ask(busy, "POST", f"faults/{rule.id}", {"enabled": False}).json()["enabled"] is False
    assert send(busy, "GET", "sys/health").status_code == 200
    assert ask(busy, "POST", f"faults/{rule.id}", {"enabled": True}).json()["fired"] == 1
    assert send(busy, "GET", "sys/health").status_code == 418
    assert ask(busy, "POST", "faults/none", {"enabled": True}).status_code == 404
    assert ask(busy, "POST", f"faults/{rule.id}", {"enabled": "perhaps"}).status_code == 400
    assert ask(busy, "POST", f"faults/{rule.id}", {}).status_code == 400


# -- in the browser --------------------------------------------------------------------------------------------------


@pytest.fixture
async def page(busy: MockKMS) -> AsyncIterator[Page]:
    async with browser() as found:
        yield found


def click(text: str) -> str:
    """Return the script that clicks the button or link with this text."""
    found = f"[...document.querySelectorAll('button, a, summary')].find(e => e.textContent === {json.dumps(text)})"
    return f"(() => {{ const e = {found}; if (e) e.click(); return Boolean(e); }})()"


def fill(label: str, value: str) -> str:
    """Return the script that fills the field with this label."""
    found = f"[...document.querySelectorAll('label')].find(e => e.textContent.trim().startsWith({json.dumps(label)}))"
    return (
        f"(() => {{ const e = {found}.querySelector('input, select'); e.value = {json.dumps(value)};"
        "for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, {bubbles: true})); return true; })()"
    )


async def visit(page: Page, kms: MockKMS, view: str) -> None:
    """Go to a view and wait until it is shown."""
    await page.open(f"{kms.url}{UI}#{view}")
    await page.until(f"document.querySelector('h1')?.textContent === {json.dumps(VIEWS[view])}")


TEXT = "document.body.innerText"
STATUS = "document.getElementById('status').textContent"
MESSAGE = "document.getElementById('message').innerText"


def shows(text: str) -> str:
    return f"{TEXT}.includes({json.dumps(text)})"


@needs_browser
async def test_the_journal_is_live(page: Page, busy: MockKMS) -> None:
    await page.open(f"{busy.url}{UI}#journal")
    await page.until(shows("/v1/secret/data/app"))
    await asyncio.to_thread(send, busy, "GET", "secret/data/other", None, "nobody")
    await page.until(shows("/v1/secret/data/other"))
    await page.run(fill("Filter", "403 other"))
    await page.until(f"!{shows('/v1/secret/data/app')}")
    await page.run(fill("Filter", "post app"))
    await page.until(click("POST /v1/secret/data/app"))
    await page.until(shows("Response body"))
    assert "hunter" not in await page.run(TEXT)
    await page.until(click("Show secrets"))
    await page.until(shows("hunter"))
    # Nothing that the page itself asked for is in the journal under test, and nothing came from elsewhere.
    assert all("/_mockkms/" not in entry.target for entry in busy.journal.entries())
    assert all(url.startswith(busy.url) for url in page.requested)
    assert page.complaints == []


@needs_browser
async def test_a_rule_by_the_form(page: Page, busy: MockKMS) -> None:
    await page.open(f"{busy.url}{UI}#faults")
    await page.until(shows("No fault rules"))
    await page.run(fill("Path", "sys/health"))
    await page.run(fill("Value", "418"))
    assert await page.run("document.querySelector('form pre').textContent") == '{"path":"sys/health","status":418}'
    await page.until(click("Add the rule"))
    await page.until("!!document.querySelector('td input[type=checkbox]')")
    assert await page.run(shows("rule-1"))
    assert (await asyncio.to_thread(send, busy, "GET", "sys/health")).status_code == 418
    await page.run("document.querySelector('td input[type=checkbox]').click()")
    await page.until(STATUS + " === 'rule-1 is off.'")
    assert (await asyncio.to_thread(send, busy, "GET", "sys/health")).status_code == 200
    await page.run(fill("Value", "9000"))
    await page.until(click("Add the rule"))
    await page.until(MESSAGE + ".includes('status')")
    await page.run(fill("Value", "419"))
    await page.until(click("Add the rule"))
    await page.until(f"{RULES} === 2")
    assert await page.run(MESSAGE) == ""


HOLD = """(() => {
  const real = fetch;
  window.fetch = async (path, options) => {
    const answer = await real(path, options);
    if (!window.held && path.endsWith(%s)) {
      window.held = true;
      await new Promise(resolve => { window.release = resolve; });
    }
    return answer;
  };
  return true;
})()"""
"""Keeps the answer to the page's next request of a path until ``release()``."""
RULES = "document.querySelectorAll('td input[type=checkbox]').length"
FOCUS = "(where => { window.it = document.querySelector(where); window.it?.focus(); return Boolean(window.it); })"
LATER = "new Promise(resolve => { setTimeout(resolve, 300, true); })"


@needs_browser
async def test_answers_that_come_late_change_nothing(page: Page, busy: MockKMS) -> None:
    rule = busy.faults.add("sys/health", status=418)
    # The action that ends last is not the one that was started last: the error of the latter stays.
    await visit(page, busy, "faults")
    await page.until(shows(rule.id))
    await page.run(HOLD % json.dumps(f"faults/{rule.id}"))
    await page.run("document.querySelector('td input[type=checkbox]').click()")
    await page.until("window.held === true")
    await page.run(fill("Value", "9000"))
    await page.until(click("Add the rule"))
    await page.until(MESSAGE + ".includes('status')")
    await page.run("window.release()")
    await page.until(f"{STATUS} === '{rule.id} is off.'")
    await page.run(LATER)
    assert "status" in await page.run(MESSAGE)
    # The list that was asked for first comes last: the newer one stays.
    await page.open("about:blank")
    await visit(page, busy, "faults")
    await page.until(shows(rule.id))
    await page.run(HOLD % json.dumps("faults"))
    await page.until("window.held === true")
    await page.until(click("Add the rule"))
    await page.until(f"{RULES} === 2")
    await page.run("window.release()")
    await page.run(LATER)
    assert await page.run(RULES) == 2


@needs_browser
async def test_the_focus_stays_when_a_view_is_drawn_again(page: Page, busy: MockKMS) -> None:
    busy.faults.add("sys/health", status=418)
    await visit(page, busy, "faults")
    await page.until(f"{FOCUS}('td button')")
    await page.until("!window.it.isConnected")
    assert await page.run("document.activeElement === document.querySelector('td button')")
    await visit(page, busy, "journal")
    await page.until(f"{FOCUS}('tbody button')")
    await asyncio.to_thread(send, busy, "GET", "secret/data/other")
    await page.until(shows("/v1/secret/data/other"))
    assert await page.run("document.activeElement === window.it")


@needs_browser
async def test_an_outage_is_told_and_taken_back(page: Page, busy: MockKMS) -> None:
    await visit(page, busy, "overview")
    await page.run("window.real = fetch; window.fetch = () => Promise.reject(new TypeError('gone')); 0")
    await page.until(MESSAGE + ".includes('The server does not answer.')")
    await page.run("window.fetch = window.real; 0")
    await page.until(MESSAGE + " === ''")


@needs_browser
async def test_chaos_is_started_and_stopped(page: Page, busy: MockKMS) -> None:
    await visit(page, busy, "faults")
    await page.until(shows("No chaos is running."))
    await page.run(fill("Plan", "seal-after-restart"))
    await page.until(shows("A client should:"))
    await page.run(fill("Seed", "7"))
    await page.until(click("Start the chaos"))
    await page.until(shows("normal (30s left)"))
    assert (busy.chaos.status()["seed"], busy.chaos.phase) == ("7", "normal")
    busy.clock.advance(30)
    await page.until(shows("sealed (15s left)"))
    assert busy.state == "sealed"
    await page.until(click("Stop the chaos"))
    await page.until(shows("No chaos is running."))
    assert busy.state == "unsealed"
    assert page.complaints == []
    await page.run(fill("Plan", "leader-elektion"))
    await page.until(click("Start the chaos"))
    await page.until(MESSAGE + ".includes(\"did you mean 'leader-election'?\")")


@needs_browser
async def test_keys_secrets_tokens_and_policies(page: Page, busy: MockKMS) -> None:
    await page.open(f"{busy.url}{UI}#mounts//transit%2F/keys/cards")
    await page.until(shows("aes256-gcm96"))
    await page.until(shows("from version 2"))
    await page.open(f"{busy.url}{UI}#mounts//secret%2F/metadata/app")
    await page.until(shows("Current version"))
    assert "hunter2" not in await page.run(TEXT)
    await page.until(click("Show value"))
    await page.until(shows("hunter2"))
    await page.open(f"{busy.url}{UI}#leases")
    await page.until(shows("aws/creds/reader/"))
    await page.open(f"{busy.url}{UI}#policies")
    await page.until(shows("Can this token do that?"))
    await page.run(fill("Path", "secret/data/app"))
    await page.until(click("Check"))
    await page.until(shows("allowed"))
    assert page.complaints == []


@needs_browser
async def test_clock_seal_and_snapshots(page: Page, busy: MockKMS) -> None:
    await page.open(f"{busy.url}{UI}#state")
    await page.until(shows("Jump to the next expiry"))
    before = busy.clock.now()
    await page.until(click("+24h"))
    await page.until(shows("The clock was advanced by 24h."))
    assert busy.clock.now() - before >= 86400
    await page.until(click("Seal"))
    await page.until(shows("The server is sealed."))
    assert busy.state == "sealed"
    await page.until(click("Unseal"))
    await page.until(shows("The server is unsealed."))
    await page.run(fill("Name", "one"))
    await page.until(click("Take a snapshot"))
    await page.until(shows("Restore"))
    await asyncio.to_thread(send, busy, "POST", "secret/data/app", {"data": {"password": "changed"}})
    await page.until(click("Differences to now"))
    await page.until("document.querySelector('main pre:not([hidden])')?.textContent.includes('changed')")


@needs_browser
async def test_a_control_token_is_asked_for(page: Page) -> None:
    with MockKMS(control_token="sesame") as kms:
        await page.open(f"{kms.url}{UI}")
        await page.until("!document.getElementById('locked').hidden")
        await page.run(fill("This server requires", "sesame"))
        await page.until(click("Continue"))
        await page.until(shows("Point a client here"))


@needs_browser
async def test_addresses_that_lead_nowhere(page: Page, busy: MockKMS) -> None:
    for address in ("%", "constructor", "__proto__", "nothing/more"):
        await page.open("about:blank")
        await page.open(f"{busy.url}{UI}#{address}")
        await page.until(shows("Point a client here"))
    await page.run("location.hash = '#mounts//none%2F'; 0")
    await page.until(shows("There is no mount none/ any more."))
    assert await page.run("document.getElementById('content').innerText.trim()") == "Mounts"


@needs_browser
async def test_a_tenant_has_its_own(page: Page, busy: MockKMS) -> None:
    tenant = busy.tenant("team")
    await asyncio.to_thread(requests.get, f"{tenant.url}/v1/sys/health", timeout=60)
    await page.open(f"{tenant.url}{UI}#journal")
    await page.until(shows("GET /v1/sys/health"))
    assert "secret/data/app" not in await page.run(TEXT)


@needs_browser
async def test_keyboard_and_names(page: Page, busy: MockKMS) -> None:
    await page.open(f"{busy.url}{UI}#journal")
    await page.until(shows("/v1/secret/data/app"))
    await page.press("Tab", "Enter")
    assert await page.run("document.activeElement.id") == "content"
    await page.run("document.querySelector('tbody button').focus()")
    await page.press("Enter")
    await page.until(shows("Response body"))
    for view in VIEWS:
        await visit(page, busy, view)
        nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        for node in nodes:
            role = node.get("role", {}).get("value")
            if not node.get("ignored") and role in ("button", "link", "textbox", "searchbox", "combobox", "checkbox"):
                assert node["name"]["value"], (view, node)


CONTRAST = """(() => {
  const style = getComputedStyle(document.documentElement);
  const channels = name => {
    const text = style.getPropertyValue(name).trim();
    return [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16) / 255)
      .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  };
  const light = name => { const [r, g, b] = channels(name); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const found = {};
  for (const text of ["--text", "--quiet", "--accent", "--good", "--bad", "--warn"])
    for (const on of ["--page", "--panel", "--mark", "--code"]) {
      const [a, b] = [light(text), light(on)];
      found[`${text} on ${on}`] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }
  const [a, b] = [light("--accent-text"), light("--accent")];
  found["--accent-text on --accent"] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  return found;
})()"""


@needs_browser
async def test_contrast_and_narrow_windows(page: Page, busy: MockKMS) -> None:
    for dark in (False, True):
        await page.size(360, 740, dark=dark)
        for view in VIEWS:
            await visit(page, busy, view)
            assert await page.run("document.documentElement.scrollWidth") <= 360, view
            assert not await page.run(f"/\\[object|undefined|NaN|null/.test({TEXT})"), view
        # WCAG AA for text of usual size.
        assert {pair: ratio for pair, ratio in (await page.run(CONTRAST)).items() if ratio < 4.5} == {}


@needs_browser
@pytest.mark.skipif(not SCREENSHOTS, reason="set MOCKKMS_SCREENSHOTS to the folder for the documentation's pictures")
async def test_pictures_for_the_documentation(page: Page, busy: MockKMS) -> None:
    folder = Path(SCREENSHOTS)
    await asyncio.to_thread(send, busy, "GET", "secret/data/other", None, "nobody")
    busy.faults.add("transit/decrypt/*", answer="sealed", times=2)
    await asyncio.to_thread(send, busy, "POST", "transit/decrypt/cards", {"ciphertext": "vault:v3:x"})
    with MockKMS() as new:
        for kms, world, views in ((new, "new", ("overview", "journal")), (busy, "busy", VIEWS)):
            for view in views:
                for width, height in ((1280, 800), (360, 740)):
                    for dark in (False, True):
                        await page.size(width, height, dark=dark)
                        await page.open("about:blank")
                        await visit(page, kms, view)
                        await page.until("document.querySelector('#facts').textContent")
                        await asyncio.sleep(1.5)  # Colors of new rows fade.
                        name = f"{world}-{view}-{width}-{'dark' if dark else 'light'}.png"
                        (folder / name).write_bytes(await page.screenshot())
