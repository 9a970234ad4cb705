"""Our books against the exchange's: what differs, with both sides' figures.

Only quiet items are compared: on neither side changed after `Frame.quiet_before`. Inputs are taken as sets,
so neither the order of rows nor rows told twice change the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.ids import ORDER_PREFIX
from hedge_service.core.market import BookSide
from hedge_service.core.money import CENTIS_PER_CONTRACT, Count
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import AT_ONCE, BY_HAND, Difference, Kind
from hedge_service.core.venue import VenueStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from hedge_service.core.reconcile_views import Frame, OwnFill, OwnOrder, OwnView, VenueView
    from hedge_service.core.venue import VenueFill, VenueOrder, VenuePosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences, sorted; our orders in doubt that the exchange holds; orders of others."""

    differences: tuple[Difference, ...]
    found: tuple[str, ...]
    of_others: tuple[str, ...]


def compare(own: OwnView, venue: VenueView, frame: Frame) -> Comparison:
    """Compare both sides.

    Positions count executions that are not booked yet, whoever made them: only what none explains differs.
    """
    known = {order.client_order_id: order for order in own.orders}
    theirs = frozenset(venue.orders)
    ours = {order for order in theirs if order.client_order_id in known}
    order_ids = {order.order_id for order in ours} | {order.order_id for order in own.orders}
    others = _trades_of_others(own, venue, order_ids, frame)
    differences = {
        *foreign_orders(theirs - ours),
        *(_traded_by_hand(order_id, fills) for order_id, fills in others.items()),
        *_orders(known, ours, frame),
        *_missing_orders(own, ours, frame),
        *_fills(own, venue, order_ids, frame),
        *_positions(own, venue, frame),
        *_settlements(own, venue, frame),
    }
    return Comparison(
        differences=tuple(sorted(differences)),
        found=tuple(
            sorted({order.client_order_id for order in ours if known[order.client_order_id].state.in_doubt})
        ),
        of_others=tuple(
            sorted({order.order_id for order in theirs if not order.client_order_id.startswith(ORDER_PREFIX)})
        ),
    )


def confirmed(
    differences: Iterable[Difference], *, before: Iterable[Difference], acknowledged: frozenset[object]
) -> tuple[Difference, ...]:
    """Give the differences that are a mismatch: not acknowledged, and seen in two snapshots in a row."""
    seen = {difference.same_as for difference in before}
    return tuple(
        sorted(
            difference
            for difference in set(differences)
            if difference.acknowledged_as not in acknowledged
            and (difference.kind in AT_ONCE or difference.same_as in seen)
        )
    )


def foreign_orders(unknown: Iterable[VenueOrder]) -> Iterator[Difference]:
    """Tell those orders under our prefix; `unknown`: orders that the journal does not hold."""
    for order in unknown:
        if order.client_order_id.startswith(ORDER_PREFIX):
            yield Difference(
                kind=Kind.FOREIGN_ORDER,
                subject=order.client_order_id,
                ours="no such order",
                theirs=f"{order.ticker} {_venue_order(order)}",
            )


def _trades_of_others(
    own: OwnView, venue: VenueView, our_orders: set[str | None], frame: Frame
) -> dict[str, set[VenueFill]]:
    listed = {order.order_id: order.client_order_id for order in venue.orders}
    doubtful = {order.ticker for order in own.orders if order.state.in_doubt}
    found: dict[str, set[VenueFill]] = {}
    for fill in venue.fills:
        if fill.order_id in our_orders or not _since_opening(fill, frame):
            continue
        # Without its order, an execution in a market where we are in doubt may be ours.
        may_be_ours = fill.order_id not in listed and fill.ticker in doubtful
        if not may_be_ours and not listed.get(fill.order_id, "").startswith(ORDER_PREFIX):
            found.setdefault(fill.order_id, set()).add(fill)
    return found


def _since_opening(fill: VenueFill, frame: Frame) -> bool:
    if frame.opened_at is None or fill.created_time is None:
        return True
    return fill.created_time >= frame.opened_at


def _traded_by_hand(order_id: str, fills: set[VenueFill]) -> Difference:
    traded = Count(sum(fill.count.centis for fill in fills))
    what = ", ".join(sorted({f"{fill.side.outcome.value} of {fill.ticker}" for fill in fills}))
    return Difference(
        kind=Kind.TRADE_OF_OTHERS, subject=order_id, ours="not ours", theirs=f"bought {traded} {what}"
    )


def _orders(known: dict[str, OwnOrder], ours: Iterable[VenueOrder], frame: Frame) -> Iterator[Difference]:
    for theirs in ours:
        mine = known[theirs.client_order_id]
        if mine.changed_at > frame.quiet_before or not _quiet(theirs, frame):
            continue
        if not mine.state.in_doubt and not _agree(mine, theirs):
            yield _differ(Kind.ORDER_DIFFERS, mine.client_order_id, _own_order(mine), _venue_order(theirs))


def _agree(mine: OwnOrder, theirs: VenueOrder) -> bool:
    if mine.state is AttemptState.RESTING:
        at_work = theirs.status in {VenueStatus.RESTING, VenueStatus.OTHER}
        return at_work and mine.filled == theirs.fill_count
    if mine.state in {AttemptState.FILLED, AttemptState.CANCELLED}:
        return theirs.status is not VenueStatus.RESTING and mine.filled == theirs.fill_count
    return False


def _missing_orders(own: OwnView, ours: Iterable[VenueOrder], frame: Frame) -> Iterator[Difference]:
    there = {order.client_order_id for order in ours}
    for mine in own.orders:
        accepted = mine.order_id is not None and not mine.state.in_doubt
        if accepted and mine.client_order_id not in there and _listed(mine, frame):
            yield _differ(Kind.ORDER_MISSING, mine.client_order_id, _own_order(mine), "no such order")


def _listed(mine: OwnOrder, frame: Frame) -> bool:
    if mine.first_sent_at is None or mine.changed_at > frame.quiet_before:
        return False
    return frame.orders_since is None or mine.first_sent_at > frame.orders_since


def _fills(own: OwnView, venue: VenueView, our_orders: set[str | None], frame: Frame) -> Iterator[Difference]:
    booked = {fill.trade_id: fill for fill in own.fills}
    told = frozenset(venue.fills)
    for theirs in told:
        ours = theirs.order_id in our_orders and _since_opening(theirs, frame)
        if not ours or not _settled_down(theirs.created_time, frame):
            continue
        mine = booked.get(theirs.trade_id)
        if mine is None:
            yield _differ(Kind.FILL_NOT_BOOKED, theirs.trade_id, "not booked", _venue_fill(theirs))
        elif mine.seen_at <= frame.quiet_before and _own_fill(mine) != _venue_fill(theirs):
            yield _differ(Kind.FILL_DIFFERS, theirs.trade_id, _own_fill(mine), _venue_fill(theirs))
    there = {fill.trade_id for fill in told}
    for mine in own.fills:
        old = frame.fills_since is not None and mine.filled_at <= frame.fills_since
        told_of = mine.trade_id in there or mine.trade_id.startswith(BY_HAND)
        if not told_of and not old and mine.seen_at <= frame.quiet_before:
            yield _differ(Kind.FILL_MISSING, mine.trade_id, _own_fill(mine), "no such fill")


def _positions(own: OwnView, venue: VenueView, frame: Frame) -> Iterator[Difference]:
    held = {position.ticker: position.signed_centis for position in own.positions}
    theirs = {position.ticker: position.signed_centis for position in sorted(venue.positions, key=_latest)}
    over = {settlement.ticker for settlement in venue.settlements} | {one.ticker for one in own.results}
    for ticker in (held.keys() | theirs.keys()) - over - _restless(own, venue, frame):
        expected = held.get(ticker, 0) + _not_booked(own, venue, ticker, frame)
        there = theirs.get(ticker, 0)
        least, most = _in_doubt(own, ticker)
        if not expected + least <= there <= expected + most:
            yield Difference(
                kind=Kind.POSITION_DIFFERS,
                subject=ticker,
                ours=_contracts(expected),
                theirs=_contracts(there),
                figure=_contracts(there - expected),
            )


def _latest(position: VenuePosition) -> tuple[datetime, int]:
    return position.last_updated, position.signed_centis


def _restless(own: OwnView, venue: VenueView, frame: Frame) -> set[str]:
    """Give the markets where something has just moved, on either side."""
    moved = {one.ticker for one in venue.positions if one.last_updated > frame.quiet_before}
    moved |= {fill.ticker for fill in venue.fills if not _settled_down(fill.created_time, frame)}
    moved |= {fill.ticker for fill in own.fills if fill.seen_at > frame.quiet_before}
    return moved | {order.ticker for order in own.orders if order.changed_at > frame.quiet_before}


def _not_booked(own: OwnView, venue: VenueView, ticker: str, frame: Frame) -> int:
    booked = {fill.trade_id for fill in own.fills}
    return sum(
        fill.count.centis if fill.side is BookSide.BID else -fill.count.centis
        for fill in frozenset(venue.fills)
        if fill.ticker == ticker and fill.trade_id not in booked and _since_opening(fill, frame)
    )


def _in_doubt(own: OwnView, ticker: str) -> tuple[int, int]:
    """Give by how much orders in doubt may have moved a position, at least and at most."""
    sizes = [
        order.count.centis if order.side is BookSide.BID else -order.count.centis
        for order in own.orders
        if order.ticker == ticker and order.state.in_doubt
    ]
    return sum(size for size in sizes if size < 0), sum(size for size in sizes if size > 0)


def _settlements(own: OwnView, venue: VenueView, frame: Frame) -> Iterator[Difference]:
    held = {one.ticker: one.signed_centis for one in own.positions if one.signed_centis}
    results = {result.ticker: result for result in own.results}
    for theirs in frozenset(venue.settlements):
        if theirs.settled_time > frame.quiet_before:
            continue
        mine = results.get(theirs.ticker)
        said = f"{theirs.result}, paid {theirs.revenue}"
        if theirs.ticker in held and (mine is None or mine.settled_at <= frame.quiet_before):
            ours = f"open, {_contracts(held[theirs.ticker])} contracts"
            yield _differ(Kind.SETTLEMENT_NOT_BOOKED, theirs.ticker, ours, said)
        # The exchange tells the value in whole cents, rounded down.
        paid = None if mine is None else mine.value.micros // 10_000
        if mine is not None and theirs.value is not None and paid != theirs.value.micros // 10_000:
            yield _differ(
                Kind.SETTLEMENT_DIFFERS, theirs.ticker, f"value {mine.value}", f"value {theirs.value}"
            )


def _quiet(order: VenueOrder, frame: Frame) -> bool:
    changed = order.created_time if order.last_update_time is None else order.last_update_time
    return _settled_down(changed, frame)


def _settled_down(at: datetime | None, frame: Frame) -> bool:
    # A row without a time can't be told from an old one; the second snapshot protects.
    return at is None or at <= frame.quiet_before


def _differ(kind: Kind, subject: str, ours: str, theirs: str) -> Difference:
    return Difference(kind=kind, subject=subject, ours=ours, theirs=theirs, figure=f"{ours} / {theirs}")


def _own_order(order: OwnOrder) -> str:
    return f"{order.state.value}, {order.filled} of {order.count} filled"


def _venue_order(order: VenueOrder) -> str:
    return f"{order.status.value}, {order.fill_count} of {order.initial_count} filled"


def _own_fill(fill: OwnFill) -> str:
    return f"{fill.side.value} {fill.count} of {fill.ticker} for {fill.cost}, fee {fill.fee}"


def _venue_fill(fill: VenueFill) -> str:
    return f"{fill.side.outcome.value} {fill.count} of {fill.ticker} for {fill.cost}, fee {fill.fee}"


def _contracts(centis: int) -> str:
    sign = "-" if centis < 0 else ""
    whole, rest = divmod(abs(centis), CENTIS_PER_CONTRACT)
    return f"{sign}{whole}.{rest:02d}"
