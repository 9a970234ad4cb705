"""Several processes on one PostgreSQL database: they share the doors, one of them sends."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.crash import FREEZE, VARIABLE
from tests.system.extension import BOS, SEA, WARM, Extension
from tests.system.stage import Stage, knobs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres_server import Server
    from tests.system.service_process import ProcessDesk, ServiceProcess

PLAN = {BOS: 1, WARM: 3}
# What a sender may be busy with when its machine is lost, and when it stands still for longer than its lease.
BUSY = {"KALSHI__LEASE_S": "5", "KALSHI__RATE_LIMIT__PROCESSES": "2"}


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with server.lent() as lent:
        yield lent


@pytest.fixture
def desk(url: str, desk: ProcessDesk) -> ProcessDesk:
    """Let every process end before the database that it uses is given back."""
    del url
    return desk


async def _start(
    desk: ProcessDesk, url: str, environment: dict[str, str] | None = None, **changes: str
) -> tuple[ServiceProcess, Stage]:
    """Start a process on the database; calls of the stage go to it."""
    knobs = knobs_of(desk.sandbox, {"DATABASE__URL": url, **BUSY, **changes})
    service = await desk.run(knobs | (environment or {}))
    port = (await service.events.wait("service.started", within_s=60))[0]["port"]
    base = f"http://127.0.0.1:{port}"
    return service, Stage(desk.sandbox, Extension(desk.sandbox.http, base), service.events, base)


async def _sender(desk: ProcessDesk, url: str, **environment: str) -> tuple[ServiceProcess, Stage]:
    service, stage = await _start(desk, url, environment)
    await stage.events.one("exchange.reconciled")
    return service, stage


async def _standby(desk: ProcessDesk, url: str) -> tuple[ServiceProcess, Stage]:
    """Start a process that does not send, and let users and Stripe go to it from now on."""
    service, stage = await _start(desk, url)
    await desk.sandbox.deliver_to(stage.base)
    assert stage.events.named("lease.taken") == []
    return service, stage


async def test_what_one_process_sells_the_other_hedges_and_one_of_them_tells(
    desk: ProcessDesk, url: str
) -> None:
    first, sender = await _sender(desk, url)
    second, standby = await _standby(desk, url)
    parlay = await standby.bought(SEA, BOS, WARM)
    told = await sender.summary(parlay, outcome="executed")
    assert told["revision"] >= 1
    assert await first.told_to_stop() == 0
    # A clean stop gives the lease up at once: the other one needs no wait for its end.
    await standby.events.one("exchange.reconciled")
    assert standby.events.named("hedge.summarized", revision=told["revision"]) == []
    assert await second.told_to_stop() == 0
    assert [*first.errors, *second.errors] == []
    assert desk.sandbox.filled() == PLAN
    desk.sandbox.check_nothing_doubled(PLAN)


async def test_a_standby_takes_over_when_the_sender_is_killed(desk: ProcessDesk, url: str) -> None:
    """With the default lease that is after 5 s and a third at most; the test itself knows no time."""
    first, sender = await _sender(desk, url)
    _, standby = await _standby(desk, url)
    await desk.sandbox.fault("hang_after_accept", ticker=WARM)
    parlay = await standby.bought(SEA, BOS, WARM)
    await sender.events.one("order.sent", ticker=WARM)
    await desk.sandbox.until(lambda: WARM in desk.sandbox.filled())
    await first.killed()
    await standby.events.wait("lease.taken", within_s=30)
    await standby.summary(parlay, outcome="executed")
    desk.sandbox.check_nothing_doubled(PLAN)


async def test_events_of_a_process_that_dies_before_it_handles_them_are_handled_by_another(
    desk: ProcessDesk, url: str
) -> None:
    _, sender = await _sender(desk, url)
    dying, stage = await _start(desk, url, {VARIABLE: "commit.after:Intake._put"})
    await desk.sandbox.deliver_to(stage.base, tries=1)
    await desk.sandbox.pay(await stage.sold(SEA, BOS, WARM))
    assert await dying.ended() == -signal.SIGKILL
    await sender.events.one("hedge.summarized", outcome="executed")
    desk.sandbox.check_nothing_doubled(PLAN)


@pytest.mark.parametrize("point", ["exchange.before_write:POST", "commit.before:Wire._begin"])
async def test_a_sender_that_stands_still_past_its_lease_never_doubles_an_order(
    desk: ProcessDesk, url: str, point: str
) -> None:
    """It has seen that its lease holds, then stands still; the successor sends; then its own bytes follow."""
    frozen, sender = await _sender(desk, url, **{VARIABLE: f"{FREEZE}{point}"})
    _, standby = await _standby(desk, url)
    parlay = await standby.bought(SEA, BOS, WARM)
    await _stopped(frozen)
    await standby.events.wait("lease.taken", within_s=30)
    await standby.events.wait("hedge.summarized", within_s=30, parlay_id=parlay, outcome="executed")
    os.kill(frozen.process.pid, signal.SIGCONT)
    await sender.events.wait("lease.lost", within_s=20)
    assert await frozen.told_to_stop() == 0
    assert desk.sandbox.filled() == PLAN
    desk.sandbox.check_nothing_doubled(PLAN)


async def test_a_service_goes_on_by_itself_after_the_server_was_restarted(
    desk: ProcessDesk, url: str, server: Server
) -> None:
    service, stage = await _sender(desk, url)
    await desk.sandbox.deliver_to(stage.base)
    first = await stage.bought(SEA, BOS, WARM)
    await stage.summary(first, outcome="executed")
    await asyncio.to_thread(server.restart)
    session = await _patiently(stage)
    await desk.sandbox.pay(session)
    await stage.events.wait("payment.confirmed", count=2, within_s=30)
    await stage.events.wait("hedge.summarized", count=2, within_s=30, outcome="executed")
    assert await service.told_to_stop() == 0


async def _patiently(stage: Stage) -> Any:
    """Sell once more; the first calls may find the server's connections dead or the lease late."""
    async with asyncio.timeout(30):
        while True:
            stage.extension.saved.clear()
            try:
                return await stage.sold(SEA, BOS, WARM)
            except AssertionError:
                await stage.extension.call("GET", "/api/health")


async def _stopped(service: ServiceProcess) -> None:
    """Wait until the process stands still."""
    async with asyncio.timeout(20):
        while True:
            with open(f"/proc/{service.process.pid}/stat") as stat:  # noqa: ASYNC230, PTH123 - no disk
                if stat.read().rpartition(")")[2].split()[0] == "T":
                    return
            await service.events.wait("service.started")
            await asyncio.sleep(0)
