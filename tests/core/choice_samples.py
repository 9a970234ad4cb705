"""Facts of parlays to decide on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hedge_service.core.book import Book, Level
from hedge_service.core.choice import Facts, Measure, Rules
from hedge_service.core.hedge_caps import HedgeCaps
from hedge_service.core.hedging import Strategy
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import Leg

CLASSIC = ("0.43", "0.52", "0.65")


def legs_of(*asks: str, events: tuple[str, ...] = ()) -> tuple[Leg, ...]:
    return tuple(
        Leg(
            number=number,
            ticker=f"KX-{number}",
            event_ticker=events[number - 1] if events else f"EV-{number}",
            side=Side.YES,
            ask=Price.of(ask),
        )
        for number, ask in enumerate(asks, start=1)
    )


def rules_of(**changes: Any) -> Rules:
    step = changes.pop("step", Decimal(1))
    caps = {"order": Money.of(100), "parlay": Money.of(200), "slippage": Decimal("0.02"), "step": step}
    caps |= {name: changes.pop(name) for name in ("order", "parlay") if name in changes}
    values: dict[str, Any] = {
        "payout_share": Decimal("0.90"),
        "payment_fee_share": Decimal("0.029"),
        "payment_fee_fixed": Money.of("0.30"),
        "minimum_edge": None,
        "strategy": Strategy.BANDS,
        "measure": Measure.CVAR,
        "ratio": Decimal("0.4"),
        "alpha": Decimal("0.95"),
        "budget_share": Decimal(1),
        "step": step,
        "slippage": Decimal("0.02"),
        "drift_reserve": Decimal("0.02"),
        "caps": HedgeCaps(**caps),
    }
    return Rules(**(values | changes))


def facts_of(*asks: str, stake: str = "5", rules: Rules | None = None, **changes: Any) -> Facts:
    legs = legs_of(*(asks or CLASSIC), events=changes.pop("events", ()))
    return Facts(stake=Money.of(stake), legs=legs, rules=rules_of() if rules is None else rules, **changes)


def book(*levels: tuple[str, str]) -> Book:
    return Book(tuple(Level(price=Price.of(price), count=Count.of(count)) for price, count in levels))
