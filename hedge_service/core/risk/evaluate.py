"""What a parlay and its hedge do in every state, and the figures that sum it up."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR, Count, Money
from hedge_service.core.risk.states import States

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


MICROS_PER_CENTI = MICROS_PER_DOLLAR // CENTIS_PER_CONTRACT
CVAR_ALPHA = Decimal("0.95")
_MOST_MICROS = 2**62
_PLACES = Decimal("1e-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The parlay itself: the stake we get, what the payment costs, what is owed if all legs hit."""

    stake: Money
    payment_fee: Money
    payout: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of one leg's outcome: contracts of $1, what they cost, and the exchange's fees on top."""

    contracts: Count = Count.ZERO
    outlay: Money = Money.ZERO
    fees: Money = Money.ZERO


NO_POSITION = Position()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResult:
    """One way the legs can end, in their order: probability to 12 places, and what is left to the house."""

    hits: tuple[bool, ...]
    probability: Decimal
    result: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The distribution of the house's result W, in dollars; a negative figure is a loss.

    `worst` and `best`: over the states that can happen. `p_loss`: P(W < 0), to 12 places. `cvar`: the mean of
    W over its worst (1 - alpha) share of probability. `outlay` and `fees`: of the positions, without the
    payment fee. `ev`, `sd` and `cvar` are statistics, rounded to the nearest micro; the rest is exact.
    """

    ev: Money
    sd: Money
    worst: Money
    best: Money
    p_loss: Decimal
    cvar: Money
    outlay: Money
    fees: Money
    distribution: States = field(repr=False, compare=False)
    results: NDArray[np.int64] = field(repr=False, compare=False)

    @property
    def states(self) -> tuple[StateResult, ...]:
        """Write the state table out; `distribution` and `results` (micros) hold the same as arrays."""
        chances, results = self.distribution.probabilities.tolist(), self.results.tolist()
        rows = zip(self.distribution.hits.tolist(), chances, results, strict=True)
        return tuple(
            StateResult(hits=tuple(row), probability=_decimal(chance), result=Money(result))
            for row, chance, result in rows
        )


def evaluate(
    terms: Terms,
    states: States,
    positions: Sequence[Position],
    *,
    combo: Position = NO_POSITION,
    alpha: Decimal = CVAR_ALPHA,
) -> Evaluation:
    """Evaluate a parlay with its hedge by enumerating every state; `positions`: one per leg, in order.

    W = S - F - N prod(x) + sum_i (h_i x_i - outlay_i - fees_i), x_i = 1 where leg i hits, else 0; `combo` is
    held of the exchange's market on all legs together and pays where prod(x) = 1. A winning hedge pays and
    has cost its outlay; the stake stays ours when the parlay wins. CVaR: Rockafellar and Uryasev 2000.

    Exact, since all states are enumerated; joint_states does so up to 12 legs and refuses more.

    Raises ValueError for positions that don't match the legs, an alpha outside [0, 1) and amounts past 2^62
    micros.
    """
    if len(positions) != states.legs:
        raise ValueError(f"{len(positions)} positions for {states.legs} legs")
    held = (*positions, combo)
    return evaluation_of(
        states,
        state_results(terms, states, positions, combo),
        outlay=sum((position.outlay for position in held), Money.ZERO),
        fees=sum((position.fees for position in held), Money.ZERO),
        alpha=alpha,
    )


def evaluation_of(
    states: States, results: NDArray[np.int64], *, outlay: Money, fees: Money, alpha: Decimal = CVAR_ALPHA
) -> Evaluation:
    """Describe results, micros of each state: shape (m,). Raises ValueError for an alpha outside [0, 1)."""
    if not 0 <= alpha < 1:
        raise ValueError(f"alpha lies in [0, 1): {alpha}")
    happens = states.probabilities > 0
    chances = states.probabilities[happens] / math.fsum(states.probabilities[happens])
    results = results[happens]
    ev = math.fsum(chances * results)
    return Evaluation(
        ev=Money(round(ev)),
        sd=Money(round(math.sqrt(math.fsum(chances * (results - ev) ** 2)))),
        worst=Money(results.min().item()),
        best=Money(results.max().item()),
        p_loss=_decimal(math.fsum(chances[results < 0])),
        cvar=Money(round(_tail_mean(chances, results, math.fabs(1 - alpha)))),
        outlay=outlay,
        fees=fees,
        distribution=States(states.hits[happens], chances),
        results=results,
    )


def state_results(
    terms: Terms, states: States, positions: Sequence[Position], combo: Position = NO_POSITION
) -> NDArray[np.int64]:
    """Give W of every state in exact micros: shape (m,). Raises ValueError for amounts past 2^62 micros."""
    pays = [position.contracts.centis * MICROS_PER_CENTI for position in positions]
    owed = terms.payout.micros - combo.contracts.centis * MICROS_PER_CENTI
    costs = [(position.outlay + position.fees).micros for position in (*positions, combo)]
    fixed = terms.stake.micros - terms.payment_fee.micros - sum(costs)
    if sum(map(abs, (fixed, owed, *pays))) > _MOST_MICROS:
        raise ValueError("amounts too large to be added up exactly")
    won = states.won.astype(np.int64)
    return np.asarray(fixed - owed * won + states.hits @ np.array(pays, dtype=np.int64))


def _tail_mean(chances: NDArray[np.float64], results: NDArray[np.int64], tail: float) -> float:
    """Give the mean of the worst results that together have probability `tail`, the last one cut to fit."""
    order = np.argsort(results, kind="stable")
    before = np.concatenate(([0.0], np.cumsum(chances[order])[:-1]))
    taken = np.clip(tail - before, 0, chances[order])
    return math.fsum(taken * results[order]) / math.fsum(taken)


def _decimal(probability: float) -> Decimal:
    return Decimal(probability).quantize(_PLACES)
