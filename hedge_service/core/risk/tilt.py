"""Fits states to given probabilities while staying as close as possible to a base distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RIDGE = 1e-10
_HEAVY = 1e5
_REACHED = 1e-9
_GRADIENT = 1e-12
_STEPS = 100
_HALVINGS = 40
_ENOUGH = 1e-4


def fit(base: Floats, hits: NDArray[np.bool_], marginals: Floats, q: float) -> Floats:
    """Give probabilities of the states with P(all hit) = q and each leg as near as possible to its marginal.

    `base`: (m,), 0 for impossible states, which stay impossible; `hits`: (m, n); `marginals`: (n,). All-hit
    is exactly q. Where the possible states allow it the marginals are met within 1e-8; where they don't (asks
    that contradict each other, q above what the structure gives), their sum of squared errors is the least
    possible one. Among all such distributions this is the one with the least Kullback-Leibler divergence from
    the base (Csiszar 1975), so untouched parts keep the base's dependence.
    """
    won = hits.all(axis=1)
    found = np.where(won, q, 0.0)
    rest = ~won & (base > 0)
    if q >= 1 or not rest.any():
        return np.asarray(found / found.sum())
    rest = _without_spent(rest, hits, marginals - q)
    possible = hits[rest].astype(np.float64)
    target = (marginals - q) / (1 - q)
    if rest.sum() < (~won).sum():
        target = _reachable(possible, target)
    found[rest] = (1 - q) * _tilted(base[rest], possible, target)
    return found


def _without_spent(rest: NDArray[np.bool_], hits: NDArray[np.bool_], left: Floats) -> NDArray[np.bool_]:
    # A leg whose whole probability lies in the all-hit state misses everywhere else: exactly, not nearly.
    spent = (hits & (left <= 0)).any(axis=1)
    return rest & ~spent if (rest & ~spent).any() else rest


def _reachable(hits: Floats, target: Floats) -> Floats:
    """Give the nearest mean, by least squares, that a distribution over these states has.

    Weights of sum 1 by non-negative least squares (Lawson and Hanson 1974), the sum as one heavy row.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - 37 MiB, needed for structured legs only

    rows = np.vstack((hits.T, np.full(len(hits), _HEAVY)))
    weights, off = nnls(rows, np.append(target, _HEAVY))
    return target if off < _REACHED else np.asarray(weights @ hits / weights.sum())


def _tilted(base: Floats, hits: Floats, target: Floats) -> Floats:
    """Minimize the dual, log sum base exp(hits @ x) - target @ x + RIDGE |x|^2 / 2, by damped Newton steps.

    The ridge makes it strictly convex, so that a target at the edge of what is possible has a minimum too;
    it moves the mean by RIDGE * x, some 1e-9 there.
    """
    logs = np.log(base)
    x = np.zeros(hits.shape[1])
    for _count in range(_STEPS):
        weights, value = _weights(logs, hits, target, x)
        mean = weights @ hits
        gradient = mean - target + RIDGE * x
        if np.abs(gradient).max() < _GRADIENT:
            break
        centred = hits - mean
        hessian = (centred * weights[:, np.newaxis]).T @ centred + RIDGE * np.eye(len(x))
        direction = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        x = _step(logs, hits, target, (x, value), (gradient, direction))
    return _weights(logs, hits, target, x)[0]


def _step(
    logs: Floats, hits: Floats, target: Floats, start: tuple[Floats, float], down: tuple[Floats, Floats]
) -> Floats:
    """Go the whole Newton step, or halve it until the dual falls enough (Armijo)."""
    (x, value), (gradient, direction) = start, down
    slope = _ENOUGH * (gradient @ direction)
    # What rounding alone may add to a value of this size.
    slack = 1e-14 * (1 + abs(value))
    share = 1.0
    for _ in range(_HALVINGS):
        if _weights(logs, hits, target, x - share * direction)[1] <= value - share * slope + slack:
            break
        share /= 2
    return np.asarray(x - share * direction)


def _weights(logs: Floats, hits: Floats, target: Floats, x: Floats) -> tuple[Floats, float]:
    exponents = logs + hits @ x
    top = exponents.max()
    raw = np.exp(exponents - top)
    total = raw.sum()
    return raw / total, top + np.log(total) - target @ x + RIDGE / 2 * (x @ x)
