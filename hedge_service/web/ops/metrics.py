"""`/metrics`: figures for monitoring, with a rule of its own, since a scraper is no operator.

With HEDGE_METRICS_TOKEN it takes that token from anywhere; without, it answers this machine alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from hedge_service.config.addresses import is_loopback
from hedge_service.errors import Forbidden, NotAuthenticated
from hedge_service.web.guards import LOOPBACK, named_host
from hedge_service.web.ops.access import Door, Tokens
from hedge_service.web.ops.guards import caller_at
from hedge_service.web.ops.keys import DESK

if TYPE_CHECKING:
    from hedge_service.clock import Clock
    from hedge_service.config import Config

METRICS = "/metrics"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Pages(Protocol):
    """Gives the figures."""

    async def page(self) -> bytes:
        """Give all figures in Prometheus' text format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraping:
    """What is scraped, and the way in; `door` None: there is no token, and only this machine may."""

    pages: Pages
    door: Door | None


SCRAPING: web.AppKey[Scraping] = web.AppKey("scraping", Scraping)


def scraping_of(pages: Pages, config: Config, clock: Clock) -> Scraping:
    """Put figures behind the configured token, if there is one."""
    token = config.secrets.metrics_tokens
    return Scraping(pages=pages, door=Door(Tokens(token), clock) if token else None)


async def metrics(request: web.Request) -> web.Response:
    """Answer a scrape. Raises NotAuthenticated, TooMany or Forbidden."""
    scraping = request.app[SCRAPING]
    if scraping.door is None:
        _check_local(request)
    else:
        _check_token(request, scraping.door)
    return web.Response(body=await scraping.pages.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _check_local(request: web.Request) -> None:
    """Refuse whatever may come from another machine, or from a web page through this one's browser."""
    local = is_loopback(request.remote) and named_host(request.headers.get("Host")) in LOOPBACK
    if not local or any(name in request.headers for name in _FORWARDED):
        raise Forbidden(
            "Metrics are open to this machine alone",
            "Scrape by a loopback address from here, or set HEDGE_METRICS_TOKEN and send it as bearer.",
        )


def _check_token(request: web.Request, door: Door) -> None:
    scheme, _, given = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or given.strip() == "":
        raise NotAuthenticated("A bearer token is needed", "Send the token of HEDGE_METRICS_TOKEN.")
    door.enter(given.strip(), caller_at(request, request.app[DESK].config).address)
