"""Duo, Okta and PingID: nobody is asked. They answer as the world says, else as services that cannot be reached."""

from __future__ import annotations

from urllib.parse import quote_plus, urlsplit

from mockkms.vault.identity.mfa.model import DUO, OKTA, Method

ANSWERS = ("approve", "deny", "unreachable")


def fault(method: Method, username: str, answer: str) -> str:
    """Why the service of ``method`` does not approve of ``username``, in the server's words; empty: it does."""
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
        user_filter = quote_plus(f'{wanted} eq "{username}"')
        host = f"{method.config['org_name']}.{method.config['base_url'] or 'okta.com'}"
        return _lost("Get", f"https://{host}/api/v1/users?filter={user_filter}")
    if answer == "deny":
        return "Authentication request denied"
    return _lost("Post", f"{method.config['idp_url']}/rest/4/authonline/do")


def _lost(verb: str, url: str) -> str:
    """What Go says of a request whose host has no address."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    if scheme not in ("http", "https"):
        return f'{verb} "{url}": unsupported protocol scheme "{scheme}"'
    if not host:
        return f'{verb} "{url}": http: no Host in request URL'
    return f'{verb} "{url}": dial tcp: lookup {host}: no such host'
