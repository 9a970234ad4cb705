"""How much of a strict bucket the product's client and limiter use, from a full one, at five tiers.

The bucket stands at the stand-in: it refuses what it can't pay as it arrives, and its own log of arrivals is
searched for a window in which more was granted than the bucket holds. 100 % is all that it could grant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import keys
from benchmarks.figures import Figure, Row
from benchmarks.processes import worker
from benchmarks.stage import stage
from hedge_service.core.pacing import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.figures import Effort

COST = 10
TESTED = ("basic", "advanced", "premier", "prime", "prestige")


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure each tier once: its time is long enough to be its own repetition."""
    seconds, refused, over = effort.of(30, 5), 0, 0.0
    with stage(keys.ED25519) as set_up:
        arguments = (set_up.base, str(set_up.pem_file))
        with worker("benchmarks.sender", *arguments, folder=set_up.folder) as ours:
            ours.line_json()
            for tier in TESTED:
                effort.say(f"the limiter at {tier} for {seconds} s")
                rate = TIERS[tier][1]
                set_up.exchange.ask("pace", tier=tier, read=TIERS[tier][0], write=rate, strict=True)
                ours.ask("flood", tier=tier, seconds=seconds)
                bucket = set_up.exchange.ask("buckets")["write"]
                refused += bucket["refused"]
                over = max(over, most_over(bucket["arrivals"], rate))
                yield _use(tier, bucket, rate, seconds)
    yield Figure(name="limiter.refused", what="429s, all tiers", unit="", ours=refused)
    yield Figure(name="limiter.over", what="most tokens above a bucket in any window", unit="", ours=over)


def _use(tier: str, bucket: dict[str, Any], rate: int, seconds: int) -> Figure:
    granted = len(bucket["arrivals"])
    # Whole orders only: the bucket can't grant a part of one.
    most = (rate + rate * seconds) // COST
    return Figure(
        name=f"limiter.{tier}",
        what=f"use of the {tier} bucket over {seconds} s",
        unit="%",
        ours=100 * granted / most,
        floor=100.0,
        ratio=granted / most,
        against="all it can grant",
    )


def most_over(arrivals: Sequence[float], rate: int) -> float:
    """Give by how many tokens the worst window exceeds a full bucket and its refill; 0 when none does."""
    least, worst = float("inf"), 0.0
    for number, at in enumerate(arrivals):
        least = min(least, number * COST - rate * at)
        worst = max(worst, (number + 1) * COST - rate * at - least - rate)
    # Below a thousandth of a token it is the rounding of floats.
    return round(worst, 3)


ROW = Row(
    name="limiter_use",
    figures=(*(f"limiter.{tier}" for tier in TESTED), "limiter.refused", "limiter.over"),
    measure=measure,
)
