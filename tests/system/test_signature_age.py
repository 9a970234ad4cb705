"""Orders that wait for the limiter are signed when they are sent, not when they begin to wait."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.system.extension import BOS, HOT, SEA
from tests.system.sandbox_stage import CREATES, open_sandbox
from tests.system.stage import serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


async def test_the_orders_of_a_parlay_are_signed_one_after_the_other_as_their_turns_come(
    tmp_path: Path, credentials: Mapping[str, str]
) -> None:
    async with open_sandbox(credentials) as sandbox:
        one_order = {"refill_rate": 20, "bucket_capacity": 12}
        await sandbox.control("exchange/limits", write=one_order)
        async with serving(sandbox, tmp_path, {"HEDGING__STRATEGY": "delta"}) as stage:
            parlay_id = await stage.bought(SEA, BOS, HOT, stake=10)
            await stage.summary(parlay_id, outcome="executed")
    sent = [call for call in sandbox.wire if (call.method, call.path) == ("POST", CREATES)]
    stamps = sorted(int(call.headers["KALSHI-ACCESS-TIMESTAMP"]) for call in sent)
    assert len(stamps) == 3
    # 10 tokens an order at 20 a second: half a second between two of them.
    assert all(later - earlier > 250 for earlier, later in pairwise(stamps))
