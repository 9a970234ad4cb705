"""The fit of states to given probabilities: what is met, what is least wrong, what is left as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from hedge_service.core.risk.states import all_hits
from hedge_service.core.risk.tilt import fit

shares = st.floats(min_value=0.02, max_value=0.98)


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Give the patterns of 2 to 4 legs and a base that allows some of them, the all-hit one included."""
    hits = all_hits(draw(st.integers(2, 4)))
    base = np.array(draw(st.lists(st.one_of(st.just(0.0), shares), min_size=len(hits), max_size=len(hits))))
    base[0] = max(base[0], 0.1)
    base[-1] = 0.5
    return hits, base / base.sum()


@given(tables(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_probabilities_that_some_distribution_has_are_met(
    table: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    hits, base = table
    other = np.where(base > 0, np.random.default_rng(seed).uniform(0.01, 1, len(base)), 0)
    other /= other.sum()
    found = fit(base, hits, other @ hits, other[-1])
    np.testing.assert_allclose(found @ hits, other @ hits, atol=1e-8)
    assert found[-1] == pytest.approx(other[-1], abs=1e-12)
    assert (found[base == 0] == 0).all()


@given(tables(), st.lists(shares, min_size=4, max_size=4), shares)
@settings(max_examples=60, deadline=None)
def test_probabilities_that_none_has_are_missed_by_the_least_squares(
    table: tuple[np.ndarray, np.ndarray], marginals: list[float], share: float
) -> None:
    hits, base = table
    target = np.array(marginals[: hits.shape[1]])
    q = share * target.min()
    found = fit(base, hits, target, q)
    rest = (base > 0) & ~hits.all(axis=1)
    # the best of all distributions on the possible states: least squares with a heavy row for the total
    rows = np.vstack([hits[rest].T, 1e5 * np.ones(rest.sum())])
    _, least = nnls(rows, np.append(target - q, 1e5 * (1 - q)))
    error = np.sqrt(((found @ hits - target) ** 2).sum())
    assert error == pytest.approx(least, abs=1e-7)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_a_base_that_fits_already_is_left_alone() -> None:
    hits, base = all_hits(3), np.array([0.2, 0.1, 0.05, 0.1, 0.15, 0.1, 0.1, 0.2])
    np.testing.assert_allclose(fit(base, hits, base @ hits, 0.2), base, atol=1e-12)


def test_a_leg_that_only_hits_with_all_others_misses_everywhere_else() -> None:
    hits, base = all_hits(2), np.full(4, 0.25)
    assert fit(base, hits, np.array([0.3, 0.6]), 0.3).tolist() == pytest.approx([0.4, 0, 0.3, 0.3], abs=1e-9)
    assert fit(base, hits, np.array([1.0, 1.0]), 1.0).tolist() == [0, 0, 0, 1]
