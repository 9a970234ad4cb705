"""Whether what settlement paid by our books is what the exchange says it paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.ledger import settlement_revenue
from hedge_service.core.money import MICROS_PER_CENT, Count, Money

if TYPE_CHECKING:
    from hedge_service.core.settlement import Ending
    from hedge_service.core.venue import VenueSettlement


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedSettlement:
    """One market by our books: contracts after netting all fills, however late each was told, and their fees.

    `opened`: contracts from before these books are part of what was held, so counts and fees say nothing.
    `revenue`: what the ledger says that settlement paid.
    """

    yes: Count
    no: Count
    fees: Money
    opened: bool
    revenue: Money

    @property
    def held(self) -> bool:
        """Say whether anything was held to be settled."""
        return bool(self.yes) or bool(self.no) or self.opened

    def paid(self, ending: Ending) -> Money:
        """Give what the exchange should have paid.

        Not simply the ledger's figure: a fill told after the settlement is settled by itself there, while
        the exchange had netted it before.
        """
        if self.opened:
            return self.revenue
        return settlement_revenue(self.yes, ending.value) + settlement_revenue(
            self.no, ending.value.complement
        )

    def fields(self, ending: Ending) -> dict[str, str]:
        """Give the figures for the log."""
        return {
            "yes_contracts": str(self.yes),
            "no_contracts": str(self.no),
            "revenue_dollars": str(self.paid(ending)),
            "fees_dollars": str(self.fees),
        }


def differences(booked: BookedSettlement, ending: Ending, theirs: VenueSettlement | None) -> tuple[str, ...]:
    """Name the figures that differ beyond rounding (the exchange tells revenue and value in whole cents).

    `theirs` None: the exchange lists no settlement of that market.
    """
    ours = booked.paid(ending)
    if theirs is None:
        return ("not_listed",) if ours else ()
    contracts = (booked.yes, booked.no) != (theirs.yes_count, theirs.no_count)
    value = None if theirs.value is None else theirs.value.micros
    rows = (
        ("result", theirs.result != ending.result),
        ("value", value is not None and not _near(value, ending.value.micros)),
        ("contracts", contracts and not booked.opened),
        ("revenue", not _near(ours.micros, theirs.revenue.micros)),
        ("fees", not _near(booked.fees.micros, theirs.fee.micros) and not booked.opened),
    )
    return tuple(name for name, differs in rows if differs)


def _near(ours: int, theirs: int) -> bool:
    return abs(ours - theirs) < MICROS_PER_CENT
