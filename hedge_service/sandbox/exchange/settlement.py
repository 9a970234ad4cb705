"""A market's way from trading to its result, and the payout at the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .amounts import DOLLAR
from .markets import MarketStatus

if TYPE_CHECKING:
    from .markets import Market
    from .state import Exchange

RESULT_STATUSES = frozenset(
    {MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED, MarketStatus.FINALIZED}
)
_VALUES = {"yes": DOLLAR, "no": 0}


def settle(
    exchange: Exchange, market: Market, *, status: MarketStatus, result: str, value: int | None = None
) -> None:
    """Give a market a result; cash moves at `finalized` only, and only once.

    `value` is what one YES contract pays, in micros; needed for a scalar result.
    Raises ValueError for a status without a result, an unknown result, a missing or impossible value,
    and for a market that is final already.
    """
    if market.status is MarketStatus.FINALIZED:
        raise ValueError(f"{market.ticker} is finalized already")
    if status not in RESULT_STATUSES:
        raise ValueError(f"{status} is no status with a result")
    paid = _value(result, value)
    set_status(exchange, market, status)
    market.result, market.settlement_value = result, paid
    if status is MarketStatus.FINALIZED:
        market.settled_s = exchange.now()
        _pay(exchange, market, paid)


def set_status(exchange: Exchange, market: Market, status: MarketStatus) -> None:
    """Move a market to a status; resting orders end with trading, and when a pause is lifted."""
    before = market.status
    market.status = status
    market.updated_s = exchange.now()
    resumed = before is MarketStatus.INACTIVE and status is MarketStatus.ACTIVE
    for order in list(market.book.resting):
        paused = status is MarketStatus.INACTIVE
        if resumed or (paused and order.request.cancel_on_pause) or _over(status):
            exchange.end(order)
    if _over(status):
        market.book.yes.clear()
        market.book.no.clear()


def _over(status: MarketStatus) -> bool:
    return status is MarketStatus.CLOSED or status in RESULT_STATUSES


def _value(result: str, value: int | None) -> int:
    if result not in {*_VALUES, "scalar"}:
        raise ValueError(f"unknown result {result[:20]!r}")
    paid = _VALUES.get(result, value) if value is None else value
    if paid is None or not 0 <= paid <= DOLLAR:
        raise ValueError("settlement_value_dollars must lie between 0 and 1")
    return paid


def _pay(exchange: Exchange, market: Market, value: int) -> None:
    for account in exchange.accounts.values():
        position = account.positions.get(market.ticker)
        if position is None or position.settled:
            continue
        if position.count == 0:
            position.settled = True
            continue
        account.settle(
            position,
            sequence=exchange.registry.next_sequence(),
            result=market.result,
            value=value,
            now_s=exchange.now(),
        )
