"""Who is calling, through what, and whether a web page of somebody else makes the browser do it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hedge_service.config.addresses import is_loopback
from hedge_service.errors import Forbidden
from hedge_service.web.guards import LOOPBACK, READING, named_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from hedge_service.config import Config

# Nothing but this listener's own files; no script that stands in a page runs, whatever gets into one.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would send `Origin: null` with our own forms then.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from, and whether it was encrypted on the way."""

    address: str
    secure: bool


def own_hosts(host: str, public_url: str) -> frozenset[str]:
    """Give the names the operators' listener answers to; an address that means all of them is no name."""
    public = urlsplit(public_url).hostname
    own = {host.lower()} - {"", "0.0.0.0", "::"}  # noqa: S104 - compared with, not bound
    return LOOPBACK | own | ({public} if public is not None else set())


def caller_of(request: web.Request, *, behind_proxy: bool, public_url: str) -> Caller:
    """Say who calls. A proxy's word counts only from this machine, and only where one is configured."""
    peer = "" if request.remote is None else request.remote
    secure = public_url.startswith("https://")
    if not behind_proxy or not is_loopback(peer):
        return Caller(peer, secure)
    proto = request.headers.get("X-Forwarded-Proto", "").strip().lower()
    return Caller(_forwarded(request, peer), secure or proto == "https")


def _forwarded(request: web.Request, peer: str) -> str:
    """Give the address that the proxy itself added: the last one, since all before it are the client's."""
    told = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2].strip()
    try:
        return str(ip_address(told))
    except ValueError:
        return peer


def check_host(request: web.Request, hosts: frozenset[str]) -> None:
    """Refuse names that are not ours: a web page can point one of its own here (DNS rebinding)."""
    if named_host(request.headers.get("Host")) not in hosts:
        raise Forbidden(
            "Unknown host", "Call the listener by its own address, or set [ops] public_url to this one."
        )


def check_origin(request: web.Request) -> None:
    """Refuse whatever changes something and comes from a page that is not ours. Raises Forbidden."""
    if request.method in READING:
        return
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origins = request.headers.getall("Origin", [])
    if site != "same-origin" or any(not _is_own(origin, request) for origin in origins):
        raise Forbidden("Other web pages may not do this", "Use the operators' own page.")


def _is_own(origin: str, request: web.Request) -> bool:
    # The Host header was found among our own names before; its port has to be the same one, too.
    scheme, _, rest = origin.partition("://")
    return scheme in {"http", "https"} and rest.lower() == request.headers.get("Host", "").lower()


def caller_at(request: web.Request, config: Config) -> Caller:
    """Say who calls, as the configuration has it."""
    return caller_of(request, behind_proxy=config.ops.behind_proxy, public_url=config.ops.public_url)
