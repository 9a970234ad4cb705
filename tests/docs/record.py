"""Record the run that the questions of docs/operations.md are tested on: `python -m tests.docs.record`.

One service on the sandbox sells five parlays, about a minute and a half in real time:

1. two legs, whole: 1 contract of Boston and 3 of the temperature; the third leg is below the lowest band;
2. one leg whose reply is lost and which is found at once: in doubt for about a second;
3. one leg that is below the lowest band: skipped;
4. one leg that the exchange refuses (410): failed;
5. one leg whose reply is lost and which shows in no list for 75 s: in doubt for more than a minute.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hedge_service.sandbox.credentials import generate_credentials
from tests.system.extension import BOS, SEA, WARM, Extension
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from tests.system.stage import Stage

RECORDED = Path(__file__).parent / "recorded" / "sandbox.jsonl"
HIDDEN_S = 75
KNOBS = {"KALSHI__ORDER_TIMEOUT_S": "2", "KALSHI__RECONCILE_EVERY_S": "10", "STRIPE__CATCH_UP_EVERY_S": "600"}


async def record() -> str:
    """Run all of it and give the log."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder), generate_credentials(), KNOBS) as stage:
            await _play(stage)
        # The folder is this machine's business.
        return stage.events.text.replace(folder, "")


async def _play(stage: Stage) -> None:
    await _buy(stage, 1, SEA, BOS, WARM, outcome="executed")
    await stage.sandbox.fault("reply_lost_after_accept", ticker=BOS)
    await _buy(stage, 2, BOS, outcome="executed")
    await _buy(stage, 3, SEA, outcome="skipped")
    await stage.sandbox.fault("gone", ticker=BOS)
    await _buy(stage, 4, BOS, outcome="failed")
    await stage.sandbox.fault("late_reads", ticker=WARM, seconds=HIDDEN_S)
    await stage.sandbox.fault("reply_lost_after_accept", ticker=WARM)
    await _buy(stage, 5, WARM, outcome="executed", within_s=HIDDEN_S * 3)
    await stage.events.wait("fill.booked", count=4, within_s=60)


async def _buy(stage: Stage, user: int, *tickers: str, outcome: str, within_s: float = 30) -> None:
    extension = Extension(stage.sandbox.http, stage.base, user=f"user_179530000000{user}_k3j9x0q2z")
    session = await replace(stage, extension=extension).sold(*tickers)
    await stage.sandbox.pay(session)
    parlay = (await stage.events.wait("payment.confirmed", count=user))[-1]["parlay_id"]
    await stage.events.wait("hedge.summarized", within_s=within_s, parlay_id=parlay, outcome=outcome)


def main() -> None:
    """Write the recording."""
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(asyncio.run(record()), encoding="utf-8")
    sys.stdout.write(f"{RECORDED}\n")


if __name__ == "__main__":
    main()
