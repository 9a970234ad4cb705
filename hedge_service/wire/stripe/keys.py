"""What a Stripe key tells about itself."""

from __future__ import annotations

import re
from enum import StrEnum

# Secret and restricted keys: https://docs.stripe.com/keys
_KEY = re.compile(r"(?:sk|rk)_(test|live)_.+")


class StripeMode(StrEnum):
    """Whether money is real."""

    TEST = "test"
    LIVE = "live"
    UNKNOWN = "unknown"


def key_mode(key: str) -> StripeMode:
    """Tell test keys from live ones by their prefix; UNKNOWN for anything else."""
    matched = _KEY.fullmatch(key)
    return StripeMode.UNKNOWN if matched is None else StripeMode(matched[1])
