"""What a simulated book is made of. Every default is written here, so that a seed says everything."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from hedge_service.core.fees import DIRECT_PRECISION, STRIPE_FIXED, STRIPE_SHARE
from hedge_service.core.hedging import FULL_DELTA, LOWEST_RATIO, Strategy
from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR, Count, Money
from hedge_service.core.risk.evaluate import CVAR_ALPHA

if TYPE_CHECKING:
    from collections.abc import Iterator

MICROS_PER_CENTI = MICROS_PER_DOLLAR // CENTIS_PER_CONTRACT
GRID = 100
"""Micros in the exchange's finest tick, $0.0001: prices that are paid lie on it, which keeps fees exact."""
MOST_LEGS = 6
_MOST_RHO = Decimal("0.8")
_MOST_DRIFT = Decimal("0.2")
_MOST_MOVE = Decimal("0.1")
_MOST_STAKE = Money.of(100_000)
_STAKES = tuple(map(Money.of, (5, 10, 25, 50, 100)))
_MOST_PAYOUT = Money.of(1000)
_FEWEST_LEGS = 2
_LOWEST_CENTS, _HIGHEST_CENTS = 10, 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Parlays, prices and costs of a simulated book. Raises ValueError, in one line, for what makes no sense.

    - A parlay has `legs` (from, to) legs at asks of `prices` (from, to) cents, each number as likely, and one
      of `stakes`, lowered where the payout would pass `most_payout`.
    - In a share `same_event` of the parlays the first two legs are of one event: their results correlate by
      `rho` (Gaussian copula) and are told at once. They are priced at `priced_rho`.
    - The fair price lies half a `spread` below the ask. `drift`: the standard deviation, in dollars, by which
      a fair price of 50 cents moves between the results of two legs. `bias`: how much likelier than its fair
      price at the sale each leg is; the price has caught up when the first leg settles.
    - A contract costs `slippage` dollars above the ask, and the taker's fee at the account's `precision`.
    - `per_day` parlays are sold; a leg settles 6 to 42 hours after the one before it, or after the sale. A
      stake, less the payment fee, arrives `stake_days` after its sale.
    """

    parlays: int = 10_000
    strategies: tuple[Strategy, ...] = tuple(Strategy)
    legs: tuple[int, int] = (2, 4)
    prices: tuple[int, int] = (35, 80)
    stakes: tuple[Money, ...] = _STAKES
    share: Decimal = Decimal("0.90")
    most_payout: Money = _MOST_PAYOUT
    same_event: Decimal = Decimal("0.25")
    rho: Decimal = Decimal("0.3")
    priced_rho: Decimal = Decimal("0.3")
    drift: Decimal = Decimal("0.03")
    bias: Decimal = Decimal(0)
    spread: Decimal = Decimal("0.02")
    slippage: Decimal = Decimal("0.01")
    fee_multiplier: Decimal = Decimal(1)
    precision: Decimal = DIRECT_PRECISION
    payment_fee_share: Decimal = STRIPE_SHARE
    payment_fee_fixed: Money = STRIPE_FIXED
    step: Decimal = Decimal(1)
    ratio: Decimal = Decimal("0.4")
    alpha: Decimal = CVAR_ALPHA
    budget_share: Decimal = Decimal(1)
    drift_reserve: Decimal = Decimal("0.02")
    per_day: int = 100
    stake_days: int = 2

    def __post_init__(self) -> None:
        wrong = next(_faults(self), None)
        if wrong is not None:
            raise ValueError(wrong)

    @property
    def slippage_micros(self) -> int:
        """Give the slippage in micros."""
        return Money.of(self.slippage).micros

    @property
    def step_centis(self) -> int:
        """Give the lot in hundredths of a contract."""
        return Count.of(self.step).centis

    @property
    def precision_micros(self) -> int:
        """Give the account's balance precision in micros."""
        return Money.of(self.precision).micros


def _faults(one: Settings) -> Iterator[str]:
    if one.parlays < 1 or one.per_day < 1 or one.stake_days < 0:
        yield "parlays and parlays a day are 1 or more, days until a stake arrives 0 or more"
    if not _FEWEST_LEGS <= one.legs[0] <= one.legs[1] <= MOST_LEGS:
        yield f"legs lie between {_FEWEST_LEGS} and {MOST_LEGS}, such as 2-4: {one.legs[0]}-{one.legs[1]}"
    if not _LOWEST_CENTS <= one.prices[0] <= one.prices[1] <= _HIGHEST_CENTS:
        yield f"prices lie between {_LOWEST_CENTS} and {_HIGHEST_CENTS} cents, such as 35-80"
    if not one.stakes or not all(Money.ZERO < stake <= _MOST_STAKE for stake in one.stakes):
        yield f"stakes lie above $0 and at most at ${_MOST_STAKE}"
    if any(stake != stake.floor_to_cent() for stake in one.stakes) or one.most_payout < Money.of(1):
        yield "stakes are whole cents and the largest payout is $1 or more"
    yield from _numbers_out_of_range(one)
    for name, value in (("slippage", one.slippage), ("lots", one.step)):
        unit = Decimal("0.0001") if name == "slippage" else Decimal("0.01")
        if value % unit:
            yield f"{name} is a multiple of {unit}: {value}"


def _numbers_out_of_range(one: Settings) -> Iterator[str]:
    ranges = {
        "payout share": (one.share, Decimal("0.01"), Decimal(1)),
        "same-event share": (one.same_event, Decimal(0), Decimal(1)),
        "rho": (one.rho, Decimal(0), _MOST_RHO),
        "priced rho": (one.priced_rho, Decimal(0), _MOST_RHO),
        "drift": (one.drift, Decimal(0), _MOST_DRIFT),
        "bias": (one.bias, -_MOST_MOVE / 2, _MOST_MOVE / 2),
        "spread": (one.spread, Decimal(0), _MOST_MOVE),
        "slippage": (one.slippage, Decimal(0), _MOST_MOVE / 2),
        "lots": (one.step, Decimal("0.01"), Decimal(1)),
        "ratio": (one.ratio, LOWEST_RATIO, FULL_DELTA),
        "drift reserve": (one.drift_reserve, Decimal(0), Decimal("0.2")),
    }
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            yield f"{name} lies between {low} and {high}: {value}"
