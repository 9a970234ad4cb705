"""Who may call: not web pages, and not by a name that is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hedge_service.errors import Forbidden

if TYPE_CHECKING:
    from aiohttp import web

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Stripe comes through a tunnel or proxy under whatever name that has; the signature guards this door.
ANY_HOST = frozenset({"/api/webhook"})


def own_hosts(public_url: str) -> frozenset[str]:
    """Give the host names this service answers to: loopback's and its public address's."""
    public = urlsplit(public_url).hostname
    return LOOPBACK if public is None else LOOPBACK | {public}


def check(request: web.Request, hosts: frozenset[str]) -> None:
    """Let extensions and programs in. Raises Forbidden.

    A web page can send a POST to this machine without a preflight, but not without an Origin. It can also
    point a name of its own at this machine (DNS rebinding) and so read replies, but not hide that name.
    """
    if request.path not in ANY_HOST and named_host(request.headers.get("Host")) not in hosts:
        raise Forbidden("Unknown host", "Call the service by its own address.")
    if request.method not in READING and not all(
        origin.startswith(EXTENSIONS) for origin in request.headers.getall("Origin", [])
    ):
        raise Forbidden("Web pages may not do this", "Use the browser extension.")


def named_host(header: str | None) -> str | None:
    """Give the host name of a Host header, without its port; None for one that is absent or no name."""
    if header is None:
        return None
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None
