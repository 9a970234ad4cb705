"""An event in Stripe's list that nobody can read: found by a soak, it once took the whole service down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flow.back_stage import open_back_stage

if TYPE_CHECKING:
    from pathlib import Path


async def test_an_unreadable_event_is_kept_and_closed_and_holds_up_no_other(tmp_path: Path) -> None:
    async with open_back_stage(tmp_path) as stage:
        odd = {"id": "cs_test_odd", "object": "checkout.session", "payment_status": 5}
        stage.books.record("checkout.session.completed", odd)
        _, checkout = await stage.checkout()
        stage.pay(checkout)
        await stage.loops.catch_up.search()
        await stage.intake.step()
        assert await stage.parlay(checkout) is not None
        assert len(stage.log.named("webhook.unreadable")) == 1
        await stage.loops.catch_up.search()
        assert len(stage.log.named("webhook.recovered")) == 2
