"""The report of the whole books, made one at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from hedge_service.core.report import ExchangeCash, report
from hedge_service.errors import Conflict
from hedge_service.store import report as rows

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.money import Money
    from hedge_service.core.report import Report
    from hedge_service.web.ops.keys import Desk


async def made(desk: Desk, *, since: datetime | None, exchange: bool) -> Report:
    """Make the report; `exchange`: compare with the exchange's own cash, too. Raises Conflict, PeerError."""
    pricing = desk.config.pricing
    async with desk.reporting:
        books, opening, resting = await desk.database.read(
            lambda tx: (
                rows.gather(
                    tx, fee_share=pricing.payment_fee_share, fee_fixed=pricing.payment_fee_fixed_dollars
                ),
                rows.opening_cash(tx),
                rows.resting_cost(tx),
            )
        )
        if exchange:
            books = replace(books, exchange=await _cash(desk, opening, resting))
        # Reckoning takes a while on large books; orders are sent by this process meanwhile.
        return await asyncio.to_thread(report, books, since=since)


async def _cash(desk: Desk, opening: Money | None, resting: Money) -> ExchangeCash:
    if opening is None:
        details = "A live service opens them once it has read the exchange."
        raise Conflict("The books are not open yet", details, code="books_not_open")
    return ExchangeCash(opening=opening, now=(await desk.exchange.balance()).cash, resting=resting)
