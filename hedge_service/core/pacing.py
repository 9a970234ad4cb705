"""Token buckets as arithmetic: time goes in as seconds of a monotonic clock, tokens are the exchange's own.

A grant is a hold: its tokens stay in the bucket, promised, until its bytes are written, and refill no sooner;
so that grants which waited for a slow disk can't leave as a burst larger than the bucket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_COST = 10
# Never wait for less: a shorter sleep could round to nothing and find the same level again.
LEAST_WAIT_S = 1e-6
# Requests overtake one another on the way; this much of a bucket's refill absorbs the difference.
JITTER_PER_SECOND = 50
LEAST_RESERVE = 2
# So near to its capacity, in seconds of refill, the exchange's bucket may be full while ours is not quite.
NEAR_FULL_S = 0.1
# Whatever was written has arrived by then, or the exchange is so slow that nobody gets near its limits.
ARRIVED_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLimit:
    """A bucket's refill in tokens per second and its capacity in tokens."""

    refill_rate: int
    capacity: int

    def __post_init__(self) -> None:
        if self.refill_rate <= 0 or self.capacity <= 0:
            raise ValueError(f"a bucket refills and holds something: {self.refill_rate}/s, {self.capacity}")

    @property
    def reserve(self) -> int:
        """Tokens kept from ordinary callers: a cancel's worth, or 20 ms of refill when that is more."""
        return max(LEAST_RESERVE, self.refill_rate // JITTER_PER_SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """What the exchange grants an account: its tier's name, its read bucket and its write bucket."""

    tier: str
    read: BucketLimit
    write: BucketLimit

    @property
    def balance(self) -> BucketLimit:
        """Requests, not tokens, of the balance endpoint's own limit: 1/s, above advanced 5/s, no burst."""
        return BucketLimit(refill_rate=1 if self.tier in SMALL_TIERS else 5, capacity=1)


def part_of(limit: BucketLimit, processes: int, *, sends: bool) -> BucketLimit:
    """Give a process's part of an account's bucket: half to the one that sends, the rest to the others alike.

    At least one token a second each; the bucket holds as many seconds of refill as the whole one.
    """
    parts = 2 if sends else 2 * (processes - 1)
    return BucketLimit(
        refill_rate=max(limit.refill_rate // parts, 1), capacity=max(limit.capacity // parts, 1)
    )


SMALL_TIERS = ("basic", "advanced")
# Tier -> (read, write) in tokens per second. Source: kalshi README section 7, October 2026.
TIERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "basic": (200, 100),
        "advanced": (300, 300),
        "expert": (600, 600),
        "premier": (1_200, 1_200),
        "paragon": (2_400, 2_400),
        "prime": (4_800, 4_800),
        "prestige": (12_000, 9_600),
    }
)


def tier_limits(tier: str) -> AccountLimits:
    """Give a tier's buckets without asking the exchange, holding one second of refill each.

    The exchange lets most tiers save up more; counting on less is safe.
    Raises ValueError for an unknown tier.
    """
    if tier not in TIERS:
        raise ValueError(f"unknown tier {tier!r}; known are {', '.join(TIERS)}")
    read, write = (BucketLimit(refill_rate=rate, capacity=rate) for rate in TIERS[tier])
    return AccountLimits(tier=tier, read=read, write=write)


def _route(method: str, path: str) -> tuple[str, str]:
    # The table may name a parameter differently and may or may not carry the prefix.
    return method.upper(), re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/trade-api/v2"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCosts:
    """Tokens per request, by method and path template; every other request costs `default`."""

    default: int
    costs: Mapping[tuple[str, str], int]

    @classmethod
    def table(cls, default: int, costs: Mapping[tuple[str, str], int]) -> EndpointCosts:
        """Read a table whose paths may carry the API's prefix and any parameter names."""
        return cls(default=default, costs={_route(*route): cost for route, cost in costs.items()})

    def of(self, method: str, path: str) -> int:
        """Give the cost of one request to a path template such as /portfolio/orders/{order_id}."""
        return self.costs.get(_route(method, path), self.default)


# The exceptions that matter to us. Source: kalshi README section 7.
KNOWN_COSTS = EndpointCosts.table(
    DEFAULT_COST,
    {
        ("DELETE", "/portfolio/events/orders/{order_id}"): 2,
        ("DELETE", "/portfolio/events/orders"): 2,
        ("GET", "/portfolio/orders/{order_id}"): 2,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket at one moment. `level` includes the tokens in `held`; available is what is left.

    A full bucket refills only once something has been taken, and the exchange takes when a request arrives,
    not when it is written: so until a reply shows that one has arrived, at the latest until `unseen`, what
    was taken from a full bucket does not refill. Counted from the writing it was up to 50 ms too early.
    """

    limit: BucketLimit
    level: float
    held: int
    at: float
    unseen: float | None = None

    @classmethod
    def full(cls, limit: BucketLimit, at: float) -> Bucket:
        """Start with all the tokens the bucket can hold."""
        return cls(limit=limit, level=limit.capacity, held=0, at=at)

    @property
    def available(self) -> float:
        """Tokens that are neither spent nor promised; negative after a drain with grants outstanding."""
        return self.level - self.held

    def refilled(self, at: float) -> Bucket:
        """Move to a later moment; an earlier one changes nothing."""
        if at <= self.at:
            return self
        since = self.at if self.unseen is None else max(self.at, self.unseen)
        level = min(self.limit.capacity, self.level + max(at - since, 0) * self.limit.refill_rate)
        return replace(self, level=level, at=at, unseen=self.unseen if since > at else None)

    def need(self, cost: int, *, priority: bool) -> int:
        """Give the tokens that must be available for a grant; never more than an idle bucket holds."""
        wanted = cost if priority else cost + self.limit.reserve
        return min(wanted, self.limit.capacity)

    def wait_s(self, need: int) -> float:
        """Give the seconds until `need` tokens are available if nothing else happens; 0 when they are."""
        short = need - self.available
        if short <= 0:
            return 0
        still = 0 if self.unseen is None else max(self.unseen - self.at, 0)
        return max(still + short / self.limit.refill_rate, LEAST_WAIT_S)

    def hold(self, cost: int) -> Bucket:
        """Promise tokens to a grant."""
        return replace(self, held=self.held + cost)

    def written(self, cost: int) -> Bucket:
        """Spend a grant's tokens: its bytes go out now."""
        near = self.level > self.limit.capacity - NEAR_FULL_S * self.limit.refill_rate
        unseen = self.at + ARRIVED_S if near and self.unseen is None else self.unseen
        return replace(self, level=self.level - cost, held=self.held - cost, unseen=unseen)

    def arrived(self) -> Bucket:
        """Learn from a reply that a request has arrived: the exchange's bucket refills."""
        return replace(self, unseen=None)

    def released(self, cost: int) -> Bucket:
        """Take back a grant whose bytes never went out."""
        return replace(self, held=self.held - cost)

    def drained(self) -> Bucket:
        """Believe the exchange that there is nothing left."""
        return replace(self, level=min(self.level, 0))

    def resized(self, limit: BucketLimit) -> Bucket:
        """Take new limits; saved tokens stay as far as they fit, none are given."""
        return replace(self, limit=limit, level=min(self.level, limit.capacity))


def pause_s(strikes: int) -> float:
    """Give the pause after the n-th 429 in a row, in seconds: 0.25, doubling, at most 4.

    The exchange adds no penalty and names no time (no Retry-After).
    """
    return 0.25 * (1 << min(strikes - 1, 4))
