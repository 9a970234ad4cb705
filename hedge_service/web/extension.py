"""The nine calls of the extension's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.flow.bets import save
from hedge_service.store import bets
from hedge_service.web.keys import DOORS, Doors
from hedge_service.web.replies import json_reply, read_body
from hedge_service.wire.extension import bodies, history, names
from hedge_service.wire.extension.bets import bet_body
from hedge_service.wire.extension.market import page_body

if TYPE_CHECKING:
    from aiohttp import web


async def market(request: web.Request) -> web.Response:
    """Call 1: what a market page offers."""
    asked = names.market_id(request.match_info["id"])
    return json_reply(page_body(asked, await _doors(request).markets.page(asked)))


async def list_bets(request: web.Request) -> web.Response:
    """Call 2: a user's bets in the order added, of one environment when asked for one."""
    user = _user(request)
    wanted = names.environment(request.query.get("environment"))
    saved = await _doors(request).database.read(lambda tx: bets.of_user(tx, user))
    shown = [bet_body(bet) for bet in saved if wanted in (None, bet.environment)]
    return json_reply({"bets": shown})


async def add_bet(request: web.Request) -> web.Response:
    """Call 3: save a bet whose ticker the exchange has confirmed."""
    doors, user = _doors(request), _user(request)
    asked = bodies.read_bet(bodies.load(await read_body(request)))
    found = await doors.markets.confirm(asked.ticker)
    new = asked.confirmed(found, user_id=user, own_environment=doors.facts.bet_environment)
    now = doors.clock.now()
    saved = await doors.database.write(lambda tx: save(tx, new, now))
    return json_reply({"bet": bet_body(saved)})


async def remove_bet(request: web.Request) -> web.Response:
    """Call 4: delete a bet, if it is there."""
    user, bet_id = _user(request), names.bet_id(request.match_info["betId"])
    if bet_id is not None:
        await _doors(request).database.write(lambda tx: bets.remove(tx, user, bet_id))
    return json_reply({"success": True})


async def clear_bets(request: web.Request) -> web.Response:
    """Call 4: delete all bets of a user."""
    user = _user(request)
    await _doors(request).database.write(lambda tx: bets.remove_all(tx, user))
    return json_reply({"success": True})


async def quote(request: web.Request) -> web.Response:
    """Call 5: price a parlay. The address is the peer's own: proxy headers are anyone's to write."""
    asked = bodies.read_quote(bodies.load(await read_body(request)))
    address = "" if request.remote is None else request.remote
    made = await _doors(request).quoting.quote(asked, address=address)
    return json_reply({"success": True, "quote": made.body})


async def checkout(request: web.Request) -> web.Response:
    """Call 6: open the payment of a stored quote."""
    asked = bodies.read_checkout(bodies.load(await read_body(request)))
    opened = await _doors(request).checkouts.open(asked)
    return json_reply({"sessionId": opened.session_id, "checkoutUrl": opened.url})


async def parlay_history(request: web.Request) -> web.Response:
    """Call 7: a user's parlays."""
    found = await _doors(request).accounts.history(_user(request))
    return json_reply(history.history_body(found))


async def purchase_history(request: web.Request) -> web.Response:
    """Give a user's purchases."""
    found = await _doors(request).accounts.purchases(_user(request))
    return json_reply(history.purchases_body(found))


async def claim(request: web.Request) -> web.Response:
    """Call 8: credit what a parlay has won, once."""
    session_id = names.session_id(request.match_info["sessionId"])
    return json_reply(history.claim_body(await _doors(request).accounts.claim(session_id)))


async def wallet(request: web.Request) -> web.Response:
    """Call 9: a user's balance."""
    return json_reply(history.wallet_body(await _doors(request).accounts.wallet(_user(request))))


def _doors(request: web.Request) -> Doors:
    return request.app[DOORS]


def _user(request: web.Request) -> str:
    return names.user_id(request.match_info["userId"])
