"""What a plan costs: each leg by its own book and fees."""

from __future__ import annotations

from decimal import Decimal

from hedge_service.core.book import Book
from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import LegHedge, SkipReason
from hedge_service.core.money import Count, Money
from hedge_service.core.risk.costs import Supply, positions, total_paid
from hedge_service.core.risk.evaluate import Position
from tests.core.risk.hedge_problems import book, legs

PARLAY = legs("0.40", "0.60")


def hedges(*contracts: str) -> list[LegHedge]:
    return [
        LegHedge(
            leg=leg,
            amount=Money.of(1),
            contracts=Count.of(count),
            skip=None if Decimal(count) else SkipReason.NOT_HEDGED,
        )
        for leg, count in zip(PARLAY, contracts, strict=True)
    ]


def test_a_leg_walks_its_own_book_and_pays_its_own_fees() -> None:
    books = {"KX-1": book(("0.41", "1"), ("0.45", "9"))}
    fees = {"KX-1": FeeSchedule(multiplier=Decimal("0.5")), "KX-2": FeeSchedule(multiplier=Decimal(0))}
    first, second = positions(hedges("3", "2"), books, fees)
    assert first.outlay == Money.of("1.31")
    assert first.fees == Money.of("0.0258")  # 0.0085 + 0.0174, of which the second gives 0.0001 back
    assert second == Position(contracts=Count.of(2), outlay=Money.of("1.20"), fees=Money.ZERO)
    assert total_paid((first, second)) == Money.of("2.5358")


def test_without_a_book_a_leg_costs_its_ask_and_the_standard_fee() -> None:
    first, _ = positions(hedges("10", "0"), None, {})
    assert first == Position(contracts=Count.of(10), outlay=Money.of(4), fees=Money.of("0.168"))


def test_a_leg_that_is_not_hedged_has_zeros() -> None:
    assert positions(hedges("0", "0"), {}, {}) == (Position(), Position())


def test_a_book_too_thin_gives_what_it_has() -> None:
    (first, second) = positions(hedges("10", "1"), {"KX-1": book(("0.40", "4")), "KX-2": Book(())}, {})
    assert (first.contracts, first.outlay) == (Count.of(4), Money.of("1.60"))
    assert second == Position()


def test_offers_carry_the_fee_of_each_level() -> None:
    supply = Supply(books={"KX-1": book(("0.50", "2"), ("0.60", "3"))}, fees={})
    first, second = supply.offers(PARLAY[0])
    assert (first.cost, first.count) == (Decimal("0.5175"), Count.of(2))
    assert (second.cost, second.count) == (Decimal("0.6168"), Count.of(3))
