"""A person's word on a parked order: what the exchange's own pages show, where its interface does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.journal import End, next_step
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import BY_HAND
from hedge_service.core.venue import VenueFill
from hedge_service.flow.operating import NotAllowed
from hedge_service.store import audit, fills, journal, journal_sets, ops_orders
from hedge_service.store.fills import Owner

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.money import Price
    from hedge_service.flow.operating import Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidFilled:
    """The order was filled: `count` contracts at an average YES price, with `fees` in all.

    With the exchange's `order_id` the executions are fetched and booked by the service; without one they
    are booked here, on the person's word.
    """

    count: Count
    price: Price
    fees: Money
    order_id: str | None


def resolve(
    tx: Connection, client_order_id: str, said: SaidFilled | None, by: Operator, *, max_attempts: int
) -> Attempt:
    """End a parked order as filled, or (`said` None) as absent. Raises NotAllowed for any other order.

    `by.reason` is the evidence. The intent ends with its order, unless a further attempt may follow.
    """
    intent, attempt = _parked(tx, client_order_id)
    if said is not None:
        _check_unclaimed(tx, client_order_id, said.order_id)
    if said is not None and not Count.ZERO < said.count <= attempt.count:
        raise NotAllowed(f"the order is for {attempt.count} contracts: it can't have filled {said.count}")
    if said is not None:
        _check_limit(intent, said.price)
    ended = _absent(tx, attempt, by) if said is None else _filled(tx, intent, attempt, said, by)
    _end_intent(tx, intent, by, max_attempts)
    word = "absent" if said is None else f"filled {said.count} at {said.price}, fees {said.fees}"
    audit.put(
        tx,
        actor=by.name,
        action="resolve",
        subject=client_order_id,
        reason=by.reason,
        at=by.at,
        details={"as": word, "ticker": intent.ticker, "parlay_id": intent.parlay_id},
    )
    return ended


def _parked(tx: Connection, client_order_id: str) -> tuple[Intent, Attempt]:
    if client_order_id not in journal.known_orders(tx, [client_order_id]):
        raise NotAllowed(f"there is no order {client_order_id}; `hedge-service parked` lists them")
    intent, attempt = journal.attempt_with_intent(tx, client_order_id)
    if attempt.state is not AttemptState.PARKED:
        raise NotAllowed(f"{client_order_id} is {attempt.state.value}, not parked: nothing is to be decided")
    return intent, attempt


def _check_unclaimed(tx: Connection, client_order_id: str, order_id: str | None) -> None:
    holder = None if order_id is None else ops_orders.holder_of(tx, order_id)
    if holder not in (None, client_order_id):
        raise NotAllowed(f"the exchange's order {order_id} is known as {holder}")


def _check_limit(intent: Intent, price: Price) -> None:
    # The slip that is easily made: the price of the NO contracts given for the YES price.
    buys = intent.side is BookSide.BID
    if price > intent.price if buys else price < intent.price:
        side = "more" if buys else "less"
        raise NotAllowed(f"its limit is {intent.price} (YES): it can't have filled at {side}, {price}")


def _absent(tx: Connection, attempt: Attempt, by: Operator) -> Attempt:
    evidence = {"by": by.name, "evidence": by.reason, "as": "absent"}
    return journal.moved(
        tx, attempt, AttemptState.CANCELLED, at=by.at, event="order.resolved", evidence=evidence
    )


def _filled(tx: Connection, intent: Intent, attempt: Attempt, said: SaidFilled, by: Operator) -> Attempt:
    paid = said.price if intent.side is BookSide.BID else said.price.complement
    ended = journal.moved(
        tx,
        attempt,
        AttemptState.FILLED if said.count == attempt.count else AttemptState.CANCELLED,
        at=by.at,
        event="order.resolved",
        evidence={"by": by.name, "evidence": by.reason, "as": "filled", "price": str(said.price)},
        order_id=said.order_id,
        fill_centis=said.count.centis,
        cost_micros=paid.times(said.count).micros,
        fees_micros=said.fees.micros,
    )
    if said.order_id is not None:
        return ended
    owner = Owner(client_order_id=attempt.client_order_id, intent_id=intent.id, parlay_id=intent.parlay_id)
    fills.book(tx, _execution(intent, attempt, said, by), owner, by.at)
    fills.recount(tx, attempt.client_order_id, by.at)
    return journal.get(tx, attempt.client_order_id)


def _execution(intent: Intent, attempt: Attempt, said: SaidFilled, by: Operator) -> VenueFill:
    named = f"{BY_HAND}{attempt.client_order_id}"
    return VenueFill(
        trade_id=named,
        order_id=named,
        ticker=intent.ticker,
        side=intent.side,
        count=said.count,
        yes_price=said.price,
        fee=said.fees,
        is_taker=True,
        created_time=by.at if attempt.last_sent_at is None else attempt.last_sent_at,
        subaccount=None,
        exchange_index=0,
    )


def _end_intent(tx: Connection, intent: Intent, by: Operator, max_attempts: int) -> None:
    intent, attempts = journal.load(tx, intent.id)
    if intent.ended_at is not None:
        return
    step = next_step(intent, attempts, now=by.at, max_attempts=max_attempts)
    if isinstance(step, End):
        journal_sets.end(tx, [(intent.id, step.reason.value)], by.at)
