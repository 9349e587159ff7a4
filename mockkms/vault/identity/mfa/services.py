"""Duo, Okta and PingID without network access: the world configures their answers; by default they are unreachable."""

from __future__ import annotations

from urllib.parse import quote_plus

from mockkms import outside
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.mfa.model import DUO, OKTA, MfaMethod

ANSWERS = ("approve", "deny", "unreachable")


def fault(method: MfaMethod, username: str, answer: str) -> str:
    """Return the server's text why the service of ``method`` rejects ``username``; empty if it approves."""
    if answer == "approve":
        return ""
    if method.type == DUO:
        if answer == "deny":
            return 'duo authentication failed: "Login request denied."'
        return _lost("Get", f"https://{method.config['api_hostname']}/auth/v2/check")
    if method.type == OKTA:
        if answer == "deny":
            return "push verification explicitly rejected"
        wanted = "profile.email" if method.config["primary_email"] else "profile.login"
        user_filter = quote_plus(f"{wanted} eq {quote(username)}")
        host = f"{method.config['org_name']}.{method.config['base_url'] or 'okta.com'}"
        return _lost("Get", f"https://{host}/api/v1/users?filter={user_filter}")
    if answer == "deny":
        return "Authentication request denied"
    return _lost("Post", f"{method.config['idp_url']}/rest/4/authonline/do")


def _lost(verb: str, url: str) -> str:
    """Return Go's error for a request that no server answers."""
    return outside.no_answer(verb, url, ConnectionRefusedError())
