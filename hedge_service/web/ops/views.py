"""What people look at: each page is a handler that reads what programs read, and a template."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from hedge_service.core.ledger import INCOME_AND_EXPENSE
from hedge_service.core.money import Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.settlement import ParlayState
from hedge_service.errors import BadRequest
from hedge_service.store.ops_inbox import Which
from hedge_service.web.ops import api, plots, profit, render, room
from hedge_service.web.ops.decided import decided
from hedge_service.web.ops.fields import read_all
from hedge_service.web.ops.keys import DESK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Body = dict[str, Any]

LARGEST = 5
"""How many markets, events and days the overview shows."""
_ON_HOME: Mapping[str, Any] = {"limit": LARGEST}
_BOOKED = frozenset(account.value for account in INCOME_AND_EXPENSE)
_SIZES = tuple(plots.SIZES)


async def overview(request: web.Request) -> web.Response:
    """How everything stands, and what waits for a person."""
    desk = request.app[DESK]
    seen, left, claims, month = await asyncio.gather(
        api.status(desk, {}),
        room.buckets(desk, {}),
        desk.recent.of("exposure", lambda: room.exposure(desk, _ON_HOME)),
        profit.over_time(desk, profit.Period.MONTH),
    )
    return await render.page(
        request, "overview.html", seen_now=seen, buckets=left, exposure=claims, profit=month
    )


async def parlays(request: web.Request) -> web.Response:
    """Parlays by state, or found by a name; a name of just one leads to it."""
    asked, refused = {name: value.strip() for name, value in request.query.items()}, None
    try:
        listed = await _read(request, "parlays", asked)
    except BadRequest as error:
        listed, refused = {"items": [], "next": None}, f"{error.error}."
    found = listed["items"]
    if asked.get("q") and len(found) == 1 and listed["next"] is None:
        raise web.HTTPSeeOther(f"/ops/parlays/{found[0]['parlay_id']}")
    return await _list(
        request, "parlays.html", listed, states=tuple(ParlayState), asked=asked, refused=refused
    )


async def parlay(request: web.Request) -> web.Response:
    """One parlay: why it was priced and hedged so, what was done, and what it earned."""
    one = await _read(request, "parlay", dict(request.match_info))
    quote = one["quote"]
    return await render.page(
        request,
        "parlay.html",
        one=one,
        why=None if quote is None else decided(quote),
        earned=str(_earned(one["ledger"])),
    )


async def orders(request: web.Request) -> web.Response:
    """Orders in doubt, the oldest first, with what a person may do."""
    listed = await _read(request, "orders", request.query)
    state = request.query.get("state", "")
    return await _list(request, "orders.html", listed, states=tuple(AttemptState), state=state)


async def payments(request: web.Request) -> web.Response:
    """Payments that bought nothing."""
    return await _list(request, "payments.html", await _read(request, "payments", request.query))


async def inbox(request: web.Request) -> web.Response:
    """Events from outside: what waits, what failed."""
    listed = await _read(request, "inbox", request.query)
    which = request.query.get("which") or Which.WAITING.value
    return await _list(request, "inbox.html", listed, kinds=tuple(Which), which=which)


async def money(request: web.Request) -> web.Response:
    """Profit and loss, and whether the books add up."""
    desk, asked = request.app[DESK], dict(request.query)
    period = asked.pop("period", None)
    made = await _read(request, "report", asked)
    drawn = await profit.profit(desk, _period({} if period is None else {"period": period}))
    height = plots.bars_height(len(drawn["strategies"]))
    return await render.page(
        request,
        "money.html",
        report=made,
        profit=drawn,
        height=height,
        periods=tuple(profit.Period),
        asked=asked,
    )


async def exposure(request: web.Request) -> web.Response:
    """Exposure of open parlays, against the caps."""
    return await render.page(
        request, "exposure.html", exposure=await _read(request, "exposure", request.query)
    )


async def reconciliations(request: web.Request) -> web.Response:
    """Comparisons with the exchange."""
    listed = await _read(request, "reconciliations", request.query)
    return await _list(request, "reconciliations.html", listed)


async def audit(request: web.Request) -> web.Response:
    """Acts of people."""
    return await _list(request, "audit.html", await _read(request, "audit", request.query))


async def profit_plot(request: web.Request) -> web.Response:
    """Draw what was realized over time."""
    made = await profit.course(request.app[DESK], profit.period_of(_period(request.query)))
    return await _plot(request, plots.over_time, made)


async def strategy_plot(request: web.Request) -> web.Response:
    """Draw what was realized by strategy."""
    made = await profit.shares(request.app[DESK], profit.period_of(_period(request.query)))
    return await _plot(request, plots.by_strategy, made)


async def _plot(request: web.Request, draw: Callable[[Any, str], bytes], made: Any) -> web.Response:
    size = request.query.get("size", _SIZES[0])
    if size not in _SIZES:
        raise BadRequest("size: is none of wide, narrow", "Use the page's own address.")
    svg = await asyncio.to_thread(draw, made, size)
    return web.Response(body=svg, content_type="image/svg+xml", charset="utf-8", headers=plots.HEADERS)


async def _read(request: web.Request, name: str, asked: Mapping[str, str]) -> Body:
    """Read what programs read by this name."""
    read = api.BY_NAME[name]
    given = read_all(read.fields, asked, blank_is_absent=True)
    return await read.run(request.app[DESK], given)


async def _list(request: web.Request, template: str, listed: Body, **context: Any) -> web.Response:
    """Give one page of a list; `more` is the address of the next one."""
    more = None
    if listed["next"] is not None:
        more = f"{request.path}?{urlencode({**request.query, 'cursor': listed['next']})}"
    return await render.page(
        request, template, items=listed["items"], more=more, first="cursor" not in request.query, **context
    )


def _earned(ledger: list[Body]) -> Money:
    """Add up what is booked as income so far, less expenses."""
    lines = (line for booked in ledger for line in booked["postings"] if line["account"] in _BOOKED)
    return -sum((Money.of(line["dollars"]) for line in lines), Money.ZERO)


def _period(query: Mapping[str, str]) -> Mapping[str, Any]:
    """Read the period; how large a plot is drawn is no part of it."""
    asked = {name: value for name, value in query.items() if name != "size"}
    return read_all((profit.PERIOD,), asked)
