"""The copula against fine numerical integration, and its quadrature against the normal's moments."""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from hedge_service.core.copula import NODES, NODES_OF_MANY, joint_probability, nodes

NORMAL = NormalDist()
chances = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("0.99"), places=2)
rhos = st.decimals(min_value=0, max_value=Decimal("0.8"), places=2)
ROUNDED = Decimal("1e-12")


def integrated(probabilities: list[Decimal], rho: Decimal) -> float:
    """Integrate over the common factor on 4,000 even steps: accurate to about 1e-12 for smooth integrands."""
    load, rest = math.sqrt(rho), math.sqrt(1 - rho)
    thresholds = [NORMAL.inv_cdf(float(p)) for p in probabilities]
    steps = [-10 + step / 200 for step in range(4001)]
    return math.fsum(
        NORMAL.pdf(z) / 200 * math.prod(NORMAL.cdf((t + load * z) / rest) for t in thresholds) for z in steps
    )


@pytest.mark.parametrize(("rho", "expected"), [("0.3", "0.1884"), ("0.5", "0.2052"), ("0", "0.1650")])
def test_the_published_joints_reproduce(rho: str, expected: str) -> None:
    pair = joint_probability([Decimal("0.60"), Decimal("0.55")], Decimal(rho))
    assert abs(pair * Decimal("0.50") - Decimal(expected)) < Decimal("6e-5")


@pytest.mark.parametrize("rho", ["0.1", "0.3", "0.5", "0.7", "0.8"])
@pytest.mark.parametrize(
    "chances",
    [["0.5", "0.5"], ["0.43", "0.52", "0.65"], ["0.05", "0.95"], ["0.9"] * 8, ["0.2"] * 4, ["0.3"] * 8],
)
def test_the_fixed_nodes_agree_with_fine_integration(rho: str, chances: list[str]) -> None:
    probabilities = [Decimal(p) for p in chances]
    found = joint_probability(probabilities, Decimal(rho))
    assert abs(found - Decimal(integrated(probabilities, Decimal(rho)))) < Decimal("6e-5")


@pytest.mark.parametrize(
    ("chance", "legs", "count", "error"),
    [
        ("0.5", 2, NODES, 1.4e-5),
        ("0.545", 3, NODES, 6.9e-5),
        ("0.575", 4, NODES, 1.7e-4),
        ("0.6475", 8, NODES, 7.9e-4),
        ("0.4925", 4, NODES_OF_MANY, 9e-7),
        ("0.5675", 8, NODES_OF_MANY, 1.8e-5),
        ("0.6775", 12, NODES_OF_MANY, 5.6e-5),
    ],
)
def test_the_stated_errors_are_the_measured_ones(chance: str, legs: int, count: int, error: float) -> None:
    """Each row is the worst case that was found, and lies within a tenth below its stated error."""
    probabilities, rho = [Decimal(chance)] * legs, Decimal("0.8")
    threshold = NORMAL.inv_cdf(float(chance))
    load, rest = math.sqrt(rho), math.sqrt(1 - rho)
    found = math.fsum(w * NORMAL.cdf((threshold + load * z) / rest) ** legs for z, w in nodes(count))
    assert 0.9 * error < abs(found - integrated(probabilities, rho)) < error


@pytest.mark.parametrize("rho", ["0.2", "0.5", "0.8"])
@pytest.mark.parametrize("chances", [["0.6", "0.55"], ["0.05", "0.9"], ["0.43", "0.52", "0.65"]])
def test_scipys_multivariate_normal_gives_the_same_joint(rho: str, chances: list[str]) -> None:
    found = joint_probability([Decimal(p) for p in chances], Decimal(rho))
    covariance = float(rho) + (1 - float(rho)) * np.eye(len(chances))
    limits = [NORMAL.inv_cdf(float(p)) for p in chances]
    exact = multivariate_normal.cdf(limits, cov=covariance, abseps=1e-7, rng=np.random.default_rng(1))
    assert abs(float(found) - exact) < 7e-5


def test_two_even_legs_have_a_joint_in_closed_form() -> None:
    """P = 1/4 + asin(rho) / (2 pi) (Sheppard 1899)."""
    found = joint_probability([Decimal("0.5"), Decimal("0.5")], Decimal("0.6"))
    assert abs(found - Decimal(0.25 + math.asin(0.6) / math.tau)) < Decimal("6e-5")


@given(st.lists(chances, min_size=1, max_size=6), rhos)
def test_a_positive_correlation_lies_between_the_product_and_the_smallest(
    probabilities: list[Decimal], rho: Decimal
) -> None:
    found = joint_probability(probabilities, rho)
    slack = Decimal("7e-5")
    assert math.prod(probabilities) - slack <= found <= min(probabilities) + slack


@given(chances, rhos)
def test_one_leg_is_its_own_joint(p: Decimal, rho: Decimal) -> None:
    assert abs(joint_probability([p], rho) - p) < Decimal("6e-5")


@given(st.lists(chances, min_size=1, max_size=5))
def test_without_correlation_the_joint_is_the_product_rounded_up(probabilities: list[Decimal]) -> None:
    found = joint_probability(probabilities, Decimal(0))
    assert abs(found - math.prod(probabilities)) <= 2 * ROUNDED


def test_a_certain_leg_changes_nothing() -> None:
    legs, rho = [Decimal("0.4"), Decimal("0.7")], Decimal("0.5")
    assert joint_probability([*legs, Decimal(1)], rho) == joint_probability(legs, rho)
    assert joint_probability([Decimal(1)], rho) == 1


@pytest.mark.parametrize(("p", "rho"), [("0", "0.5"), ("1.01", "0.5"), ("0.5", "-0.1"), ("0.5", "1")])
def test_what_is_no_probability_or_correlation_is_refused(p: str, rho: str) -> None:
    with pytest.raises(ValueError, match=r"probability|correlations"):
        joint_probability([Decimal(p)], Decimal(rho))


@pytest.mark.parametrize("count", [NODES, NODES_OF_MANY])
def test_the_quadrature_holds_the_moments_of_the_normal(count: int) -> None:
    """N nodes integrate polynomials to degree 2 n - 1: E z^k = (k - 1)!! for even k, 0 for odd."""
    points = [z for z, _ in nodes(count)]
    assert len(points) == count
    assert points == sorted(-z for z in points)
    for power in range(0, 2 * count, 2):
        exact = math.prod(range(1, power, 2))
        assert math.isclose(math.fsum(w * z**power for z, w in nodes(count)), exact, rel_tol=1e-9)
