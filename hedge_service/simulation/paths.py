"""Chance: which parlays are asked for, how their legs' prices move, and how the legs end.

Leg j hits where a standard normal latent Z_j lies at or below Phi^-1(p_j). Of that latent the market learns
a share v(t) = 1 - (1 - v)^t of the variance by the time t legs ahead of it have settled; the fair price is
what it then knows, p_j(t) = Phi((Phi^-1(p_j) - S_j(t)) / sqrt(1 - v(t))), S_j(t) being the part that is
known: a martingale that ends at 0 or 1. Two legs of one event share a factor F:
Z = sqrt(rho) F + sqrt(1 - rho) Z'.

v follows from `drift`: a price of 1/2 has after one interval the variance arcsin(v) / (2 pi).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from hedge_service.simulation.settings import Settings

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MICROS_PER_CENT = 10_000
_MICROS = 1_000_000
_SINGLES = 4
_FIRST_DAYS, _MORE_DAYS = 0.25, 1.5
_NEVER_ZERO = 2.0**-53
_LEAST, _MOST = 0.01, 0.99
_LEAST_CENTS, _MOST_CENTS = 1, 99


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """A stretch of m parlays of at most n legs, in order of sale; legs settle in their order.

    `present` (m, n): whether a parlay has this leg; one it has not hits for certain and has no ask. `wanted`
    (m,): stakes in micros. `truth` (m, n): how likely each leg is. `asks` (m, n, n): at [:, t, j] what leg j
    costs, in micros, when t legs have settled; `fair` (m, n, n): its probability then, by the news.
    `sold` (m,) and `settles` (m, n): days from the start.
    """

    wanted: Ints
    same_event: Bools
    present: Bools
    truth: Floats
    hits: Bools
    asks: Ints
    fair: Floats
    sold: Floats
    settles: Floats


def draw(settings: Settings, rng: Generator, first: int, count: int) -> Draw:
    """Draw parlays `first`, `first` + 1, ...; each takes equally many numbers from `rng`.

    So neither the length of the stretches nor the strategies that are compared change any parlay.
    """
    most = settings.legs[1]
    singles, days, prices, latents = _split(rng.random((count, _SINGLES + most * (most + 2))), most)
    fewest = settings.legs[0]
    numbers = fewest + _pick(singles[:, 0], most - fewest + 1)
    present = np.arange(most) < numbers[:, np.newaxis]
    same_event = singles[:, 2] < float(settings.same_event)
    low, high = settings.prices
    quoted = low + _pick(prices, high - low + 1)
    news = ndtri(np.maximum(latents, _NEVER_ZERO))
    factor = ndtri(np.maximum(singles[:, 3], _NEVER_ZERO))
    truth, hits, asks, fair = _market(settings, quoted, news, same_event, factor)
    gaps = _FIRST_DAYS + _MORE_DAYS * days
    gaps[same_event, 1] = 0
    stakes = np.array([stake.micros for stake in settings.stakes], dtype=np.int64)
    sold = np.arange(first, first + count) / settings.per_day
    return Draw(
        wanted=stakes[_pick(singles[:, 1], len(stakes))],
        same_event=same_event,
        present=present,
        truth=np.where(present, truth, 1.0),
        hits=hits | ~present,
        asks=np.where(present[:, np.newaxis, :], asks, 0),
        fair=fair,
        sold=sold,
        settles=sold[:, np.newaxis] + np.cumsum(gaps, axis=1),
    )


def revealed(drift: float) -> float:
    """Give the share of a latent's variance told in one interval for a price of 1/2 to move by `drift`."""
    return math.sin(2 * math.pi * drift * drift)


def _split(uniform: Floats, most: int) -> tuple[Floats, Floats, Floats, Floats]:
    rest = uniform[:, _SINGLES:]
    latents = rest[:, 2 * most :].reshape(len(uniform), most, most)
    return uniform[:, :_SINGLES], rest[:, :most], rest[:, most : 2 * most], latents


def _pick(uniform: Floats, choices: int) -> Ints:
    return np.minimum((uniform * choices).astype(np.int64), choices - 1)


def _market(
    settings: Settings, quoted: Ints, news: Floats, same_event: Bools, factor: Floats
) -> tuple[Floats, Bools, Ints, Floats]:
    """Give truth (m, n), hits (m, n), asks and fair prices (m, n, n); `quoted`: asks at the sale in cents.

    `news` (m, n, n): at [:, j, t] what of leg j is told while leg t is ahead; the last is told at its end.
    """
    half = float(settings.spread) / 2
    truth = np.clip(quoted / 100 - half + float(settings.bias), _LEAST, _MOST)
    count, most = quoted.shape
    asks = np.repeat((quoted * MICROS_PER_CENT)[:, np.newaxis, :], most, axis=1)
    fair = np.repeat(truth[:, np.newaxis, :], most, axis=1)
    known = (1 - revealed(float(settings.drift))) ** np.arange(most + 1)
    latent = np.empty((count, most))
    for leg in range(most):
        told = np.zeros(count)
        for settled in range(1, leg + 1):
            told = told + math.sqrt(known[settled - 1] - known[settled]) * news[:, leg, settled - 1]
            fair[:, settled, leg] = ndtr((ndtri(truth[:, leg]) - told) / math.sqrt(known[settled]))
            cents = np.clip(np.rint((fair[:, settled, leg] + half) * 100), _LEAST_CENTS, _MOST_CENTS)
            asks[:, settled, leg] = cents * MICROS_PER_CENT
        latent[:, leg] = told + math.sqrt(known[leg]) * news[:, leg, -1]
    rho = float(settings.rho)
    together = math.sqrt(rho) * factor[:, np.newaxis] + math.sqrt(1 - rho) * latent[:, :2]
    latent[:, :2] = np.where(same_event[:, np.newaxis], together, latent[:, :2])
    return truth, latent <= ndtri(truth), asks, fair
