"""What happens on the stage of a crash run: a setting for each part of an order's and a payment's life."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.proof.checker import IN_DOUBT
from tests.proof.reading import rows
from tests.system.extension import BOS, BTC, HOT, SEA, WARM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.proof.theatre import Theatre

    Scene = Callable[[Theatre], Awaitable[None]]

# A bound for what never ends, not for speed: a busy machine takes its time.
WITHIN_S = 120
YES, NO = False, True
FIRST, SECOND, THIRD = "user_crash_first", "user_crash_second", "user_crash_third"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A scene with the exchange's faults and the service's knobs; `fair`: the books have to agree then."""

    scene: Scene
    faults: tuple[Mapping[str, Any], ...] = ()
    knobs: Mapping[str, str] = field(default_factory=dict)
    fair: bool = True


async def sell(theatre: Theatre) -> None:
    """Sell one parlay on two markets."""
    await _bought(theatre, FIRST, {SEA: YES, BTC: YES})


async def whole_life(theatre: Theatre) -> None:
    """Sell two parlays, settle their markets: one is won and claimed, the other is void and given back."""
    won = await _bought(theatre, FIRST, {SEA: YES, BTC: YES})
    await _bought(theatre, SECOND, {BOS: NO, HOT: YES})
    await _change_bets(theatre)
    await theatre.settle(WITHIN_S)
    for ticker, result in ((SEA, "yes"), (BTC, "yes"), (BOS, "no")):
        await _settled(theatre, ticker, result=result)
    await _settled(theatre, HOT, result="scalar", settlement_value_dollars="0.5000")
    await _until(theatre, lambda: _count(theatre, "parlays WHERE state = 'open'") == 0)
    extension = theatre.shopper(FIRST)
    await theatre.patiently(lambda: extension.call("POST", f"/api/claim-winnings/{won}"))


async def _change_bets(theatre: Theatre) -> None:
    extension = theatre.shopper(THIRD)
    await theatre.patiently(lambda: extension.save(SEA))
    bets = await theatre.patiently(extension.bets)
    for bet in bets or ():
        path = f"/api/parlay/{THIRD}/{bet['id']}"
        await theatre.patiently(lambda path=path: extension.call("DELETE", path))  # type: ignore[misc]
    await theatre.patiently(lambda: extension.call("DELETE", f"/api/parlay/{THIRD}"))


async def unhedged(theatre: Theatre) -> None:
    """Sell a parlay of which nothing can be hedged: it is void, and its stake goes back."""
    await sell(theatre)
    await _until(theatre, lambda: _count(theatre, "parlays WHERE state = 'void'") == 1)


async def unwound(theatre: Theatre) -> None:
    """Sell a parlay whose stake is refunded before the result: its hedge is sold again."""
    session = await _bought(theatre, FIRST, {SEA: YES, BTC: NO})
    await theatre.settle(WITHIN_S)
    await theatre.desk.sandbox.control("stripe/refund", session=session)
    await _until(theatre, lambda: _count(theatre, "intents WHERE purpose = 'unwind'") > 1)


async def ask_the_model(theatre: Theatre) -> None:
    """Sell a parlay on two markets that may go together."""
    await _bought(theatre, FIRST, {SEA: YES, WARM: YES, HOT: NO})


async def parked(theatre: Theatre) -> None:
    """Sell a parlay with an order that nobody sees until it is parked; then it ends by itself."""
    await sell(theatre)
    await _until(theatre, lambda: bool(rows(theatre.database, IN_DOUBT)))
    await theatre.desk.sandbox.control("exchange/release")
    await _until(theatre, lambda: not rows(theatre.database, IN_DOUBT))


async def money_back(theatre: Theatre) -> None:
    """Give payments back at Stripe, dispute one, pay too late for one, and leave one unpaid."""
    control = theatre.desk.sandbox.control
    refunded = await _bought(theatre, FIRST, {SEA: YES, BTC: YES})
    disputed = await _bought(theatre, SECOND, {BOS: YES, BTC: YES})
    late = await theatre.patiently(lambda: theatre.check_out(THIRD, {WARM: YES}, 5))
    unpaid = await theatre.patiently(lambda: theatre.check_out("user_crash_fourth", {WARM: YES}, 5))
    await theatre.settle(WITHIN_S)
    await control("stripe/refund", session=refunded)
    opened = await control("stripe/dispute", session=disputed)
    await control("stripe/dispute", dispute=opened["dispute"]["id"], close="lost")
    await control("exchange/market", ticker=WARM, status="closed")
    if late is not None and theatre.session_is(late, "open"):
        await theatre.pay(late, THIRD)
    await _until(theatre, lambda: unpaid is None or not theatre.session_is(unpaid, "open"))


async def peers_away(theatre: Theatre) -> None:
    """Pay while the exchange can't be read, refund while Stripe fails, and be told what nobody can read."""
    control = theatre.desk.sandbox.control
    # Stripe refuses so small an amount.
    await theatre.tried(lambda: theatre.check_out(SECOND, {SEA: YES, HOT: YES}, 0.1))
    session = await theatre.patiently(lambda: theatre.check_out(FIRST, {HOT: YES, SEA: YES}, 5))
    assert session is not None
    await theatre.desk.sandbox.fault("server_error_before_accept", route="GET /markets.*", times=16)
    await theatre.pay(session, FIRST)
    odd = {"id": "cs_test_odd", "object": "checkout.session", "payment_status": 5}
    await control("stripe/emit", type="checkout.session.completed", object=odd)
    await theatre.settle(WITHIN_S)
    await control("stripe/faults", kind="error", count=3, method="POST", path="/v1/refunds")
    await _settled(theatre, HOT, result="scalar", settlement_value_dollars="0.5000")
    await _settled(theatre, SEA, result="yes")
    await _until(theatre, lambda: _count(theatre, "parlays WHERE state = 'void'") == 1)


async def foreign_order(theatre: Theatre) -> None:
    """Let the exchange hold an order under our prefix that this database lacks: sending halts."""
    if not theatre.desk.sandbox.orders():
        body = {
            "ticker": SEA,
            "client_order_id": "hs-00000000-0000-5000-8000-000000000000",
            "side": "bid",
            "count": "1.00",
            "price": "0.4500",
            "time_in_force": "immediate_or_cancel",
            "self_trade_prevention_type": "taker_at_cross",
        }
        theatre.desk.sandbox.place(body)
        await theatre.stop()
        await theatre.start()
    await _until(theatre, lambda: _count(theatre, "halts WHERE halted = 1") > 0)


async def _bought(theatre: Theatre, user: str, sides: Mapping[str, bool]) -> str:
    session = await theatre.buy(user, sides, 5)
    assert session is not None, f"{user} could not buy"
    return session


async def _settled(theatre: Theatre, ticker: str, **result: str) -> None:
    await theatre.desk.sandbox.control("exchange/settle", ticker=ticker, status="finalized", **result)


async def _until(theatre: Theatre, met: Callable[[], bool]) -> None:
    await theatre.until(met, theatre.redeliver, WITHIN_S)


def _count(theatre: Theatre, what: str) -> int:
    return int(rows(theatre.database, f"SELECT COUNT(*) FROM {what}")[0][0])  # noqa: S608 - our own words


OFTEN = {"KALSHI__RECONCILE_EVERY_S": "1", "STRIPE__CATCH_UP_EVERY_S": "5"}
SETTINGS: Mapping[str, Setting] = {
    "plain": Setting(scene=whole_life),
    "reply_lost": Setting(scene=whole_life, faults=({"kind": "reply_lost_after_accept", "times": 2},)),
    # With time enough to be restarted many times.
    "patient": Setting(
        scene=whole_life,
        knobs={
            "KALSHI__RESEND_WINDOW_S": "90",
            "HEDGING__INTENT_TTL_S": "180",
            "KALSHI__RECONCILE_EVERY_S": "60",
        },
    ),
    "late_reads": Setting(
        scene=sell, faults=({"kind": "server_error_after_accept"}, {"kind": "late_reads", "seconds": 1})
    ),
    "not_placed": Setting(scene=sell, faults=({"kind": "server_error_before_accept"},)),
    "partial": Setting(scene=sell, faults=({"kind": "partial_fill", "count": "1"},)),
    "resting": Setting(
        scene=sell,
        faults=({"kind": "partial_fill", "count": "1"},),
        knobs={"HEDGING__TIME_IN_FORCE": "good_till_canceled", "HEDGING__REST_S": "1"},
    ),
    "unhedged": Setting(
        scene=unhedged,
        faults=({"kind": "gone", "times": 2},),
        knobs={"HEDGING__ON_UNHEDGED": "refund"},
    ),
    "unwound": Setting(scene=unwound, knobs={"HEDGING__UNWIND_ON_REFUND": "true"}),
    "parked": Setting(
        scene=parked,
        faults=({"kind": "reply_lost_after_accept"}, {"kind": "invisible_order"}),
        knobs={"KALSHI__RESEND_WINDOW_S": "1", **OFTEN},
    ),
    "money_back": Setting(scene=money_back, knobs=OFTEN),
    "peers_away": Setting(scene=peers_away),
    "model": Setting(scene=ask_the_model, knobs={"OPENAI__ENABLED": "true"}),
    "dry_run": Setting(scene=sell, knobs={"KALSHI__DRY_RUN": "true"}),
    "foreign_order": Setting(scene=foreign_order, fair=False),
}
