"""Small simulated books for the tests."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from hedge_service.core.money import Money
from hedge_service.simulation.book import Book, sell
from hedge_service.simulation.paths import Draw, draw
from hedge_service.simulation.settings import Settings

FREE = Settings(
    share=Decimal("0.825"),
    same_event=Decimal(0),
    drift=Decimal(0),
    spread=Decimal(0),
    slippage=Decimal(0),
    fee_multiplier=Decimal(0),
    payment_fee_share=Decimal(0),
    payment_fee_fixed=Money.ZERO,
    step=Decimal("0.01"),
    stakes=(Money.of(100),),
    most_payout=Money.of(100_000),
)
"""Neither costs nor moving prices."""


def drawn(settings: Settings, count: int = 400, seed: int = 11) -> Draw:
    return draw(settings, np.random.default_rng(seed), 0, count)


def sold(settings: Settings, count: int = 400, seed: int = 11) -> Book:
    return sell(drawn(settings, count, seed), settings)


def every_end_of(asks: tuple[int, ...]) -> Draw:
    """Make one parlay of these asks (cents) for each way in which it can end; its prices never move."""
    legs, count = len(asks), 2 ** len(asks)
    hits = (np.arange(count)[:, np.newaxis] >> np.arange(legs)) & 1 == 1
    base = drawn(replace(FREE, legs=(legs, legs)), count)
    quoted = np.broadcast_to(np.array(asks), (count, legs))
    prices = np.broadcast_to(quoted[:, np.newaxis, :], (count, legs, legs))
    return replace(base, truth=quoted / 100, hits=hits, asks=prices * 10_000, fair=prices / 100)
