"""One check that breaks hides no other."""

from __future__ import annotations

import asyncio

from hedge_service.checks.findings import Judgement, good
from hedge_service.checks.run import Check, together
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.store.db import StoreUnavailable


async def fine() -> Judgement:
    return good("yes")


async def broken() -> Judgement:
    raise KeyError("secret")


async def away() -> Judgement:
    raise PeerUnavailable(Peer.EXCHANGE)


async def full() -> Judgement:
    raise StoreUnavailable("disk I/O error")


async def silent() -> Judgement:
    await asyncio.Event().wait()
    return good("never")


async def test_each_check_is_told_whatever_the_others_do() -> None:
    checks = (
        Check("broken", broken),
        Check("away", away),
        Check("full", full),
        Check("silent", silent, 0.01),
        Check("fine", fine),
    )
    found = await together(checks)
    assert [(one.check, one.verdict.value) for one in found] == [
        ("broken", "fail"),
        ("away", "fail"),
        ("full", "fail"),
        ("silent", "fail"),
        ("fine", "pass"),
    ]
    told = [one.found for one in found]
    assert told[0] == "the check itself failed: KeyError"
    assert told[1] == "The exchange can't be reached (exchange_unavailable)"
    assert told[3] == "no answer within 0.01 s"
