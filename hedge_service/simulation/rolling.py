"""The rolling hedge of a whole book along its price paths, as `core.rolling` does for one parlay.

Before leg k the book holds N * product over later legs of what a contract of them costs now, in whole lots.
A hit pays for the next leg; a miss ends it. A roll whose ask lies above the drift guard is not made, and the
parlay goes on without that leg; there is no second look before it settles. Parlays with legs that settle
together are hedged by `delta`, as the service does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.fees import TAKER_RATE
from hedge_service.simulation.book import Hedged
from hedge_service.simulation.costs import order_costs
from hedge_service.simulation.settings import GRID, MICROS_PER_CENTI

if TYPE_CHECKING:
    from hedge_service.simulation.book import Book
    from hedge_service.simulation.paths import Bools, Floats, Ints
    from hedge_service.simulation.settings import Settings

_DOLLAR = 1_000_000
_HIGHEST = 990_000
_CENTIS = 100
# What rounding alone may take off a target that is a whole lot.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Rolled:
    """What rolling makes of a book; `contracts` (m, n): hundredths held of each leg when it settled.

    `in_sequence` (m,): parlays that rolled at all. `rolls` and `refused`: rolls made, and those that the
    drift guard has stopped.
    """

    hedged: Hedged
    contracts: Ints
    in_sequence: Bools
    rolls: int
    refused: int


def roll(book: Book, settings: Settings, otherwise: Hedged) -> Rolled:
    """Roll every parlay whose legs settle one after the other; `otherwise`: what the others do."""
    turn = _Turn(book, settings)
    for leg in range(book.draw.present.shape[1]):
        turn.take(leg)
    rolls = ~book.draw.same_event
    return Rolled(
        hedged=Hedged(
            cash=np.where(rolls[:, np.newaxis], turn.cash, otherwise.cash),
            fees=np.where(rolls, turn.fees, otherwise.fees),
            worth=np.where(rolls, turn.worth, otherwise.worth),
        ),
        contracts=turn.contracts,
        in_sequence=rolls,
        rolls=turn.rolls,
        refused=turn.refused,
    )


class _Turn:
    """The state of all parlays between two legs."""

    def __init__(self, book: Book, settings: Settings) -> None:
        count, most = book.draw.present.shape
        self._book, self._settings = book, settings
        self.cash = np.zeros((count, most + 1), dtype=np.int64)
        self.fees = np.zeros(count, dtype=np.int64)
        self.worth = np.zeros(count)
        self.contracts = np.zeros((count, most), dtype=np.int64)
        self._alive = ~book.draw.same_event
        self._reserve = _reserve(book.payouts, settings.drift_reserve)
        self.rolls = self.refused = 0

    def take(self, leg: int) -> None:
        """Buy up to the leg's target at today's prices, then let it settle."""
        draw = self._book.draw
        wanted = np.where(self._alive & draw.present[:, leg], self._target(leg), 0)
        price = self._price(leg, wanted)
        bought = np.where(price > 0, wanted, 0)
        outlay, fees = order_costs(bought, price, self._settings)
        self._reserve -= np.maximum(outlay - self._reckoned(leg) * bought // _CENTIS, 0)
        self.fees += fees
        self.worth += bought / _CENTIS * draw.fair[:, leg, leg] - (outlay + fees) / _DOLLAR
        self.contracts[:, leg] = bought
        self.cash[:, leg] -= outlay + fees
        self.cash[:, leg + 1] += bought * MICROS_PER_CENTI * draw.hits[:, leg]
        self._alive &= draw.hits[:, leg]
        if leg:
            self.rolls += int((bought > 0).sum())
            self.refused += int(((wanted > 0) & (bought == 0)).sum())

    def _target(self, leg: int) -> Ints:
        """Give N * product over later legs of price and model fee, in whole lots."""
        draw, settings = self._book.draw, self._settings
        paid = np.minimum(draw.asks[:, leg, leg + 1 :] + settings.slippage_micros, _DOLLAR) / _DOLLAR
        rate = float(TAKER_RATE * settings.fee_multiplier)
        unit: Floats = np.where(draw.present[:, leg + 1 :], paid + rate * paid * (1 - paid), 1.0)
        contracts = self._book.payouts / _DOLLAR * unit.prod(axis=1)
        lots = np.floor(contracts * _CENTIS / settings.step_centis + _SLACK)
        return np.asarray(lots.astype(np.int64) * settings.step_centis)

    def _price(self, leg: int, wanted: Ints) -> Ints:
        """Give what is paid, 0 where nothing is wanted or the guard stops it.

        The guard: the ask at the sale, slippage, and what is left of the reserve for each contract.
        """
        ask = self._book.draw.asks[:, leg, leg]
        full = np.minimum(ask + self._settings.slippage_micros, _HIGHEST)
        if not leg:
            return np.where(wanted > 0, full, 0)
        each = np.maximum(self._reserve, 0) * _CENTIS // np.maximum(wanted, 1)
        guard = np.minimum(self._reckoned(leg) + each, _HIGHEST) // GRID * GRID
        return np.where((wanted > 0) & (ask <= guard), np.minimum(full, guard), 0)

    def _reckoned(self, leg: int) -> Ints:
        return np.asarray(self._book.sale_asks[:, leg] + self._settings.slippage_micros)


def _reserve(payouts: Ints, share: Decimal) -> Ints:
    top, bottom = share.as_integer_ratio()
    return -(-payouts * top // bottom)
