"""What many orders cost at once: `FeeSchedule.order` of one fill each, exact, on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.fees import TAKER_RATE
from hedge_service.core.money import CENTIS_PER_CONTRACT
from hedge_service.simulation.settings import GRID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hedge_service.simulation.settings import Settings

    Ints = NDArray[np.int64]

_TICKS_PER_DOLLAR = 10_000


def order_costs(centis: Ints, prices: Ints, settings: Settings) -> tuple[Ints, Ints]:
    """Give outlay and fees, in micros, of orders of `centis` hundredths of a contract at `prices` micros.

    Prices lie on the exchange's finest grid, so that price times count is whole. Raises ValueError off it.
    """
    if (prices % GRID).any():
        raise ValueError("a price lies off the exchange's grid")
    ticks = prices // GRID
    outlay = ticks * centis
    # 0.07 M * C * P (1 - P) dollars, in micros: rate * centis / 100 * ticks (10^4 - ticks) / 10^8 * 10^6
    rate = (TAKER_RATE * settings.fee_multiplier).as_integer_ratio()
    top = rate[0] * centis * ticks * (_TICKS_PER_DOLLAR - ticks)
    model = -(-top // (rate[1] * CENTIS_PER_CONTRACT * CENTIS_PER_CONTRACT))
    unit = settings.precision_micros
    fees = -(-(outlay + model) // unit) * unit - outlay
    return outlay, np.where(centis > 0, fees, 0)
