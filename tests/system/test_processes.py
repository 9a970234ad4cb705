"""The service as the operating system sees it: started, stopped, killed, started again, refused."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from hedge_service.app import STOP_DOORS_S, STOP_WIRE_S
from tests.system.extension import BOS, HOT, SEA, USER, WARM
from tests.system.stage import knobs_of, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.system.service_process import ProcessDesk
    from tests.system.stage import Stage

PLAN = {BOS: 1, WARM: 3}


async def test_a_process_hedges_a_parlay_and_stops_cleanly_when_told(desk: ProcessDesk) -> None:
    service, stage = await desk.start()
    parlay = await stage.bought(SEA, BOS, WARM)
    await stage.summary(parlay, outcome="executed")
    assert await service.told_to_stop() == 0
    assert stage.events.lines[-1]["event"] == "service.stopped"
    assert service.errors == []
    assert desk.sandbox.filled() == PLAN


async def test_sigterm_lets_an_order_on_the_wire_come_to_its_end(desk: ProcessDesk) -> None:
    service, stage = await desk.start()
    await desk.sandbox.fault("hang_after_accept", ticker=WARM)
    await stage.bought(SEA, BOS, WARM)
    await stage.events.one("order.sent", ticker=WARM)
    service.process.terminate()
    await stage.events.one("service.stopping")
    await desk.sandbox.control("exchange/release")
    assert await service.ended() == 0
    assert stage.events.named("order.unknown", ticker=WARM)
    assert service.errors == []
    desk.sandbox.check_nothing_doubled(PLAN)


async def test_sigterm_ends_within_15_s_although_an_order_hangs_for_longer(desk: ProcessDesk) -> None:
    """Held by the bounds of the stop's steps; a clock would judge this machine as well."""
    service, stage = await desk.start(KALSHI__ORDER_TIMEOUT_S="60")
    await desk.sandbox.fault("hang_after_accept", ticker=WARM)
    await stage.bought(SEA, BOS, WARM)
    await stage.events.one("order.sent", ticker=WARM)
    assert await service.told_to_stop(within_s=50) == 0
    assert STOP_WIRE_S + 2 * STOP_DOORS_S <= 15
    assert stage.events.lines[-1]["event"] == "service.stopped"
    assert service.errors == []
    assert [line for line in stage.events.lines if line["level"] in {"error", "critical"}] == []
    await _next_finds(desk, accepted_before=True)


@pytest.mark.parametrize("fault", ["hang_after_accept", "hang_before_accept"])
async def test_an_order_in_flight_when_its_sender_is_killed_is_looked_up_and_not_doubled(
    desk: ProcessDesk, fault: str
) -> None:
    service, stage = await desk.start(KALSHI__LEASE_S="2")
    await desk.sandbox.fault(fault, ticker=WARM)
    await stage.bought(SEA, BOS, WARM)
    accepted = fault == "hang_after_accept"
    sandbox = desk.sandbox
    await sandbox.until(lambda: WARM in sandbox.filled() if accepted else sandbox.met_faults() == 1)
    await service.killed()
    await _next_finds(desk, accepted_before=accepted)


async def test_killed_after_each_step_a_payment_still_makes_one_set_of_orders(desk: ProcessDesk) -> None:
    service, stage = await desk.start(KALSHI__LEASE_S="2")
    session = await stage.sold(SEA, BOS, WARM)
    await desk.sandbox.control("stripe/settings", tries=1)
    event = await desk.sandbox.pay(session)
    await stage.events.one("webhook.received")
    await service.killed()
    service, stage = await desk.start(KALSHI__LEASE_S="2")
    await stage.events.one("order.sent")
    await service.killed()
    async with serving(desk.sandbox, desk.folder, {}) as last:
        await desk.sandbox.control("stripe/deliver", event_id=event)
        await last.events.one("hedge.summarized", outcome="executed")
    assert desk.sandbox.filled() == PLAN
    desk.sandbox.check_nothing_doubled(PLAN)


async def test_nothing_prints_a_secret(desk: ProcessDesk) -> None:
    service, stage = await desk.start()
    session = await stage.sold(SEA, BOS, WARM)
    await _make_trouble(stage)
    await desk.sandbox.fault("html_bad_gateway_before_accept")
    await desk.sandbox.pay(session)
    await stage.events.one("hedge.summarized", outcome="executed")
    await stage.extension.history()
    assert await service.told_to_stop() == 0
    credentials = desk.sandbox.credentials
    pem = credentials["KALSHI_DEMO_PRIVATE_KEY"].split("\\n")
    secrets = [*credentials.values(), *pem[1:-1], "PRIVATE KEY", session, USER, "buyer@example.com"]
    signatures = [seen.headers["KALSHI-ACCESS-SIGNATURE"] for seen in desk.sandbox.wire]
    assert len(signatures) > 5
    assert [secret for secret in [*secrets, *signatures] if secret in service.output] == []
    assert "v1=" not in service.output
    assert service.errors == []


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        pytest.param(
            {"HEDGE_KALSHI__DRY_RUN": "no", "HEDGE_SERVICE__PORT": "70000", "HEDGE_LIMITS__MAX_LEGS": "99"},
            ["kalshi.dry_run", "service.port", "limits.max_legs"],
            id="wrong values",
        ),
        pytest.param(
            {"HEDGE_KALSHI__DRYRUN": "false", "HEDGE_NOPE__X": "1"}, ["DRYRUN", "NOPE"], id="unknown names"
        ),
        pytest.param(
            {"HEDGE_KALSHI__ENVIRONMENT": "production", "HEDGE_KALSHI__DRY_RUN": "false"},
            ["--live"],
            id="production without consent",
        ),
        pytest.param({"KALSHI_DEMO_PRIVATE_KEY": "not a key"}, ["KALSHI_DEMO_PRIVATE_KEY"], id="no key"),
        pytest.param(
            {"HEDGE_KALSHI__BASE_URL": "http://example.com/trade-api/v2"}, ["kalshi.base_url"], id="no https"
        ),
    ],
)
async def test_a_wrong_configuration_exits_2_with_one_readable_line_each(
    desk: ProcessDesk, changes: Mapping[str, str], lines: list[str]
) -> None:
    service = await desk.run({**knobs_of(desk.sandbox, {}), **changes})
    assert await service.ended() == 2
    for named in lines:
        assert sum(named in line for line in service.errors) >= 1, service.errors
    assert all(line.startswith("hedge-service: ") for line in service.errors)
    assert service.events.lines == []
    assert "not a key" not in service.output


async def test_a_file_that_is_not_toml_exits_2_with_one_readable_line(desk: ProcessDesk) -> None:
    (desk.folder / "broken.toml").write_text("[kalshi\n")
    service = await desk.run(knobs_of(desk.sandbox, {}), "--config", "broken.toml")
    assert await service.ended() == 2
    problem, pointer = service.errors
    assert "broken.toml" in problem
    assert "docs/errors.md#bad_configuration" in pointer


async def test_a_port_in_use_exits_1_with_a_readable_line(desk: ProcessDesk) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        service = await desk.run(knobs_of(desk.sandbox, {"SERVICE__PORT": str(port)}))
        assert await service.ended() == 1
    problem, pointer = service.errors
    assert str(port) in problem
    assert "docs/errors.md#port_in_use" in pointer
    assert "Traceback" not in service.output
    assert service.events.lines[-1]["event"] == "service.failed"


async def _next_finds(desk: ProcessDesk, *, accepted_before: bool) -> None:
    """Start a successor on the same database, and check what it makes of the order in flight."""
    async with serving(desk.sandbox, desk.folder, {}) as stage:
        await stage.events.one("hedge.summarized", outcome="executed")
        assert (await stage.events.one("lease.taken"))["inherited_unknown"] >= 1
    creates = [[json.loads(one["body"]) for one in seen] for seen in desk.sandbox.creates().values()]
    assert len(creates) == len(PLAN), "no new ids"
    [warm] = [bodies for bodies in creates if bodies[0]["ticker"] == WARM]
    assert len(warm) == (1 if accepted_before else 2)
    assert all(body == warm[0] for body in warm)
    assert desk.sandbox.filled() == PLAN
    desk.sandbox.check_nothing_doubled(PLAN)


async def _make_trouble(stage: Stage) -> None:
    """Ask for all that ends in an error line: bad webhooks, bad bodies, a peer that fails."""
    await stage.post_webhook(*stage.sandbox.signed({"id": "evt_1"}, secret="whsec_somebodyelses"))
    await stage.post_webhook(*stage.sandbox.signed(b"\xff\xfe"))
    for body in ({"stake": "x"}, {"userId": USER}, None):
        await stage.extension.call("POST", "/api/create-checkout-session", body)
    await stage.extension.call("GET", f"/api/parlay-history/{USER}?session_id=cs_test_abcdefgh")
    await stage.sandbox.control("stripe/faults", kind="error", count=3)
    await stage.extension.save(HOT)
    quote = await stage.extension.quote(1, stage.extension.saved[-1:])
    await stage.extension.check_out(quote, stage.extension.saved[-1:])
