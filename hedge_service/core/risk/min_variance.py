"""The static hedge of least variance: h = Sigma^-1 Cov(N prod x, x), without selling what is not held.

W varies as sum h_i x_i - N prod x, so Var W = h' Sigma h - 2 h' c + const with c = Cov(N prod x, x): an
ordinary least-squares hedge ratio (Ederington 1979, for several instruments). Negative positions are not
taken: the result is the exact minimum of that quadratic over 0 <= h_i <= u_i, by a primal active set (Lawson
and Hanson 1974, with upper bounds as in Stark and Parker 1995), not the free solution cut off at zero.

Sigma is singular where legs imply each other. Of all plans of least variance the one with the smallest sum of
squares is taken: legs that are worth the same are bought in equal parts, certain ones not at all.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.money import MICROS_PER_DOLLAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hedge_service.core.money import Count, Money
    from hedge_service.core.risk.states import States

CONTRACT_PLACES = Decimal("0.000001")
"""Targets are told to a millionth of a contract: what double precision holds with room to spare."""
_RIDGE = 1e-9
_RANK_WITHIN = 1e-10
_OPTIMAL_WITHIN = 1e-12
_ROUNDS_PER_LEG = 20
_NO_VARIANCE = 1e-15


def min_variance(states: States, payout: Money, most: Sequence[Count] | None = None) -> tuple[Decimal, ...]:
    """Give each leg's contracts, to a millionth.

    `most`: the most contracts that may be held of each leg (the depth of its book), None for no bound.
    """
    sigma, covariance = moments(states)
    scale = payout.micros / MICROS_PER_DOLLAR
    bounds = np.full(states.legs, np.inf)
    if most is not None and scale:
        bounds = np.array([count.centis / 100 for count in most]) / scale
    shares = least_squares_in_box(sigma, covariance, bounds)
    return tuple(Decimal(share).quantize(CONTRACT_PLACES) for share in (shares * scale).tolist())


def moments(states: States) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give Sigma, shape (n, n), and the covariance of a $1 parlay with each leg, shape (n,)."""
    weights = states.probabilities[:, np.newaxis]
    hits, won = states.hits.astype(np.float64), states.won.astype(np.float64)
    apart = hits - states.probabilities @ hits
    won_apart = won - states.probabilities @ won
    return apart.T @ (weights * apart), apart.T @ (states.probabilities * won_apart)


def least_squares_in_box(
    sigma: NDArray[np.float64], covariance: NDArray[np.float64], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Minimize h' sigma h - 2 h' covariance over 0 <= h <= most, the shortest h where several are best.

    A ridge far below anything that matters makes the active set unique; the answer on it is then solved
    again without the ridge, by pseudo-inverse. The rounds are bounded only against the noise of rounding:
    each one lowers the variance.
    """
    size = len(covariance)
    if np.trace(sigma) < _NO_VARIANCE or not covariance.any():
        return np.zeros(size)
    within = _OPTIMAL_WITHIN * np.abs(covariance).max()
    ridged = sigma + np.eye(size) * (_RIDGE * np.trace(sigma) / size)
    h, free = np.zeros(size), np.ones(size, dtype=np.bool_)
    for _ in range(_ROUNDS_PER_LEG * size):
        h, free = _settled(ridged, covariance, most, h, free)
        slope = covariance - ridged @ h
        gain = np.where(free, 0, np.where(h > 0, -slope, slope))
        gain[most == 0] = 0
        best = gain.argmax()
        if gain[best] <= within:
            break
        free[best] = True
    return _polished(sigma, covariance, most, h, free)


def _settled(
    sigma: NDArray[np.float64],
    covariance: NDArray[np.float64],
    most: NDArray[np.float64],
    h: NDArray[np.float64],
    free: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Go towards the best free legs; a leg that meets a bound on the way stays there and is free no more."""
    while free.any():
        wanted = h.copy()
        rest = covariance[free] - sigma[np.ix_(free, ~free)] @ h[~free]
        wanted[free] = np.linalg.solve(sigma[np.ix_(free, free)], rest)
        outside = (wanted < 0) | (wanted > most)
        if not outside.any():
            return wanted, free
        bound = np.where(wanted < 0, 0, most)
        way = np.full(len(h), np.inf)
        way[outside] = (bound - h)[outside] / (wanted - h)[outside]
        first = way == way.min()
        h = np.where(free, h + way.min() * (wanted - h), h)
        h[first] = bound[first]
        free = free & ~first
    return h, free


def _polished(
    sigma: NDArray[np.float64],
    covariance: NDArray[np.float64],
    most: NDArray[np.float64],
    h: NDArray[np.float64],
    free: NDArray[np.bool_],
) -> NDArray[np.float64]:
    if free.any():
        rest = covariance[free] - sigma[np.ix_(free, ~free)] @ h[~free]
        h[free] = np.linalg.pinv(sigma[np.ix_(free, free)], rcond=_RANK_WITHIN, hermitian=True) @ rest
    return np.clip(h, 0, most)
