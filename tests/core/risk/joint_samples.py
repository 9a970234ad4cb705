"""Legs, strikes and plans in few words, for the tests of joints and evaluations."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hedge_service.core.leg import Leg, PairCorrelation
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.risk.evaluate import Evaluation, Position, Terms, evaluate
from hedge_service.core.strike import Strike, StrikeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.risk.states import States

NO_FEE = Money.ZERO
YES, NO = Side.YES, Side.NO


def leg(number: int, ask: str | Price, event: str | None = None, side: Side = Side.YES) -> Leg:
    return Leg(
        number=number,
        ticker=f"K{number}",
        event_ticker=f"E{number}" if event is None else event,
        side=side,
        ask=ask if isinstance(ask, Price) else Price.of(ask),
    )


def legs_of(*asks: str, event: str | None = None) -> list[Leg]:
    return [leg(number, ask, event) for number, ask in enumerate(asks, 1)]


def pair(first: int, second: int, rho: str) -> PairCorrelation:
    return PairCorrelation(first=first, second=second, rho=Decimal(rho))


def over(floor: str) -> Strike:
    return Strike(kind=StrikeKind.GREATER, floor=Decimal(floor))


def under(cap: str) -> Strike:
    return Strike(kind=StrikeKind.LESS, cap=Decimal(cap))


def within(floor: str, cap: str) -> Strike:
    return Strike(kind=StrikeKind.BETWEEN, floor=Decimal(floor), cap=Decimal(cap))


def terms(stake: str, payout: str, fee: str = "0") -> Terms:
    return Terms(stake=Money.of(stake), payment_fee=Money.of(fee), payout=Money.of(payout))


def fair(legs: Sequence[Leg], *contracts: str) -> list[Position]:
    """Hold these contracts, bought at the legs' prices without costs."""
    counts = [Count.of(text) for text in contracts]
    return [Position(contracts=n, outlay=one.ask.times(n)) for one, n in zip(legs, counts, strict=True)]


def unhedged(bargain: Terms, states: States) -> Evaluation:
    return evaluate(bargain, states, [Position()] * states.legs)
