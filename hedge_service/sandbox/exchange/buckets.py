"""Token buckets that refill continuously, and the tier table they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_COST: Final = 10
SHARDS: Final = (0, 1, 2, 3)
PREFIX: Final = "/trade-api/v2"
ORDERS: Final = f"{PREFIX}/portfolio/events/orders"

# Tier -> (read per second, write per second), kalshi README section 7.
TIERS: Final[dict[str, tuple[int, int]]] = {
    "basic": (200, 100),
    "advanced": (300, 300),
    "expert": (600, 600),
    "premier": (1_200, 1_200),
    "paragon": (2_400, 2_400),
    "prime": (4_800, 4_800),
    "prestige": (12_000, 9_600),
}
_SMALL_TIERS: Final = ("basic", "advanced")

ENDPOINT_COSTS: Final[dict[tuple[str, str], int]] = {
    ("DELETE", f"{ORDERS}/{{order_id}}"): 2,
    ("DELETE", ORDERS): 2,
    ("GET", f"{PREFIX}/portfolio/orders/{{order_id}}"): 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLimit:
    """A bucket's refill in tokens per second and its capacity in tokens."""

    refill_rate: int
    bucket_capacity: int

    def wire(self) -> dict[str, int]:
        """Write the limit as BucketLimit of the spec."""
        return {"refill_rate": self.refill_rate, "bucket_capacity": self.bucket_capacity}


class Bucket:
    """One bucket: starts full, refills continuously, and takes all of a cost or nothing."""

    def __init__(self, limit: BucketLimit, monotonic: Callable[[], float]) -> None:
        self.limit = limit
        self._monotonic = monotonic
        self._level = float(limit.bucket_capacity)
        self._filled_at = monotonic()

    def level(self) -> float:
        """Refill up to now and give the tokens there are."""
        now = self._monotonic()
        gained = (now - self._filled_at) * self.limit.refill_rate
        self._level = min(float(self.limit.bucket_capacity), self._level + gained)
        self._filled_at = now
        return self._level

    def spend(self, cost: int) -> None:
        """Take tokens that `take` found to be there."""
        self._level -= cost


def take(buckets: Sequence[Bucket], cost: int) -> bool:
    """Take `cost` from every bucket, or from none when one of them is short."""
    # A ten-millionth of a token forgives the float sum of many small refills, nothing more.
    if any(bucket.level() + 1e-7 < cost for bucket in buckets):
        return False
    for bucket in buckets:
        bucket.spend(cost)
    return True


def tier_limits(tier: str) -> tuple[BucketLimit, BucketLimit]:
    """Give (read, write) of a tier. Raises KeyError for a name that is no tier."""
    read, write = TIERS[tier]
    read_s = 3 if tier in _SMALL_TIERS else 1
    write_s = 1 if tier == "basic" else 3
    return (
        BucketLimit(refill_rate=read, bucket_capacity=read * read_s),
        BucketLimit(refill_rate=write, bucket_capacity=write * write_s),
    )


@dataclass(slots=True, kw_only=True)
class Limits:
    """The account's buckets: read, public read, balance, and one write bucket per shard."""

    monotonic: Callable[[], float]
    tier: str = "basic"
    costs: dict[tuple[str, str], int] = field(default_factory=lambda: dict(ENDPOINT_COSTS))
    read: Bucket = field(init=False)
    public: Bucket = field(init=False)
    balance: Bucket = field(init=False)
    writes: dict[int, Bucket] = field(init=False)

    def __post_init__(self) -> None:
        self.set_tier(self.tier)

    def set_tier(self, tier: str) -> None:
        """Give the account a tier with full buckets. Raises KeyError for a name that is no tier."""
        read, write = tier_limits(tier)
        self.tier = tier
        self.set_buckets(read=read, write=write)
        balance_rate = 1 if tier in _SMALL_TIERS else 5
        self.set_balance(BucketLimit(refill_rate=balance_rate, bucket_capacity=1))

    def set_buckets(self, *, read: BucketLimit | None = None, write: BucketLimit | None = None) -> None:
        """Replace the read or write limits, or both, with full buckets."""
        if read is not None:
            self.read = Bucket(read, self.monotonic)
            self.public = Bucket(read, self.monotonic)
        if write is not None:
            self.writes = {shard: Bucket(write, self.monotonic) for shard in SHARDS}

    def set_balance(self, limit: BucketLimit) -> None:
        """Replace the balance endpoint's own limit."""
        self.balance = Bucket(limit, self.monotonic)

    def cost(self, method: str, path: str) -> int:
        """Give the tokens that one request of a route costs."""
        return self.costs.get((method, path), DEFAULT_COST)

    def write_buckets(self, shard: int | None) -> list[Bucket]:
        """Give the buckets that a write is billed to; shard None means routed by ticker: all of them."""
        return list(self.writes.values()) if shard is None else [self.writes[shard]]

    def wire(self) -> dict[str, Any]:
        """Write GetAccountApiLimitsResponse."""
        return {
            "usage_tier": self.tier,
            "read": self.read.limit.wire(),
            "write": self.writes[0].limit.wire(),
            "grants": [],
        }

    def wire_costs(self) -> dict[str, Any]:
        """Write GetAccountEndpointCostsResponse."""
        rows = [{"method": m, "path": p, "cost": c} for (m, p), c in self.costs.items() if c != DEFAULT_COST]
        return {"default_cost": DEFAULT_COST, "endpoint_costs": rows}
