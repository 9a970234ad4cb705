"""How the legs of a parlay end together: the states behind the price, or behind the model's view of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.pricing import Joint, joint, possible_events
from hedge_service.core.risk.factor import factor_states
from hedge_service.core.risk.states import States, all_hits, independent_states
from hedge_service.core.risk.structure import NO_STRUCTURE, Structure
from hedge_service.core.risk.tilt import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from hedge_service.core.leg import Leg, PairCorrelation
    from hedge_service.core.risk.events import EventLegs


class View(StrEnum):
    """PRICED: as the parlay is sold, never below the product. MODELLED: as structure and model see it."""

    PRICED = "priced"
    MODELLED = "modelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """The joint as priced, and all states of the legs, in the legs' order."""

    joint: Joint
    states: States


def joint_states(
    legs: Sequence[Leg],
    correlations: Iterable[PairCorrelation] = (),
    structure: Structure = NO_STRUCTURE,
    *,
    view: View = View.PRICED,
) -> Modelled:
    """Give the joint price and the probability of every state that the structure allows.

    Events are independent of each other; the legs of one event follow the one-factor copula where a
    correlation is known, else the product. Of each event P(all hit) is kept exactly, so that of the parlay is
    the priced q (within 1e-11); no impossible state appears; each leg's probability is its price within 1e-8
    wherever that is possible. It is not where asks contradict each other (a higher strike dearer than a lower
    one), or where the structure puts the joint below the product at which it is sold (outcomes of which at
    most one can miss): there the legs are off by the least sum of squares. See `tilt.fit`.

    With MODELLED the all-hit state keeps what structure and model say, above or below the product, and a pair
    of legs may correlate negatively, to -0.8; `joint` stays the priced one.

    Raises Impossible as `joint` does, and ValueError without legs and above 12 of them: 2^n states.
    """
    pairs = tuple(correlations)
    events = possible_events(legs, pairs, structure)
    hits = all_hits(len(legs))
    chances = np.ones(len(hits))
    for event in events:
        places = [legs.index(leg) for leg in event.legs]
        numbers = hits[:, places] @ (1 << np.arange(len(places)))
        chances *= _event_states(event, view)[numbers]
    possible = chances > 0
    states = States(hits[possible], chances[possible])
    return Modelled(joint=joint(legs, pairs, structure=structure), states=states)


def _event_states(event: EventLegs, view: View) -> NDArray[np.float64]:
    """Give the event's table: 2^n probabilities, bit j of the place saying whether leg j hits."""
    probabilities = [leg.probability for leg in event.legs]
    q = event.priced if view is View.PRICED else event.modelled
    lowest = Decimal(0) if view is View.PRICED else event.evaluated_rho
    rho = max(event.evaluated_rho, lowest)
    if not rho and not event.ties.tied:
        return independent_states(probabilities).probabilities
    against = [rho < 0 and leg is event.core[-1] for leg in event.legs]
    base = factor_states(probabilities, abs(rho), against)
    hits = all_hits(len(probabilities))
    marginals = np.array([math.fabs(p) for p in probabilities])
    return fit(np.where(_possible(event, hits), base, 0), hits, marginals, math.fabs(q))


def _possible(event: EventLegs, hits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    tied = list(event.ties.tied)
    return np.array([tuple(row) in event.ties.atoms for row in hits[:, tied].tolist()])
