"""The copula's states: every way the legs of one event can end, on the same nodes as the price."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.copula import rule_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

_STANDARD = NormalDist()


def factor_states(
    probabilities: Sequence[Decimal], rho: Decimal, against: Sequence[bool]
) -> NDArray[np.float64]:
    """Give P of each of the 2^n states, bit j of the state's number saying whether leg j hits.

    Given the factor z, leg j hits with Phi((Phi^-1(p_j) + s_j sqrt(rho) z) / sqrt(1 - rho)); s_j is -1 for a
    leg that goes `against` the factor, else 1, so two legs correlate by s_i s_j rho. 0 <= rho < 1. The
    quadrature leaves the legs' own probabilities off by up to 1e-7.
    """
    points = np.array(rule_for(sum(p < 1 for p in probabilities)))
    table = points[:, 1:]
    for probability, opposed in zip(probabilities, against, strict=True):
        sign = -1 if opposed else 1
        hit, miss = _given(points[:, 0], probability, math.fabs(rho), sign)
        table = np.concatenate((table * miss, table * hit), axis=1)
    return np.asarray(table.sum(axis=0))


def _given(
    z: NDArray[np.float64], probability: Decimal, rho: float, sign: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if probability == 1:
        return np.ones((len(z), 1)), np.zeros((len(z), 1))
    threshold = _STANDARD.inv_cdf(math.fabs(probability))
    arguments = (threshold + sign * math.sqrt(rho) * z) / math.sqrt(2 * (1 - rho))
    # Both tails for themselves: 1 - hit would lose the digits of a small one.
    tails = np.array([(math.erfc(-a) / 2, math.erfc(a) / 2) for a in arguments])
    return tails[:, :1], tails[:, 1:]
