"""The operators' listener beside the public one, in a whole service on the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.flow.halt_watch import HaltWatch
from hedge_service.flow.operating import Operator, halt, resume
from hedge_service.sandbox.credentials import generate_credentials
from hedge_service.store import halts
from tests.store.parlay_samples import NOW
from tests.system.extension import SEA, WARM
from tests.system.stage import open_stage
from tests.web.ops.ops_stage import ANN, Log
from tests.web.ops.test_ops_api import conforms

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.store.db import Database

HEADERS = {"Authorization": f"Bearer {ANN}"}


async def test_an_operator_sees_explains_and_stops_a_running_service(tmp_path: Path) -> None:
    knobs = {"OPS_TOKEN": f"ann:{ANN}", "KALSHI__QUIET_S": "0"}
    async with open_stage(tmp_path, generate_credentials(), knobs) as stage:
        started = await stage.events.one("service.started")
        api, http = f"http://127.0.0.1:{started['ops_port']}/ops/api", stage.sandbox.http
        parlay_id = await stage.bought(SEA, WARM)
        await stage.summary(parlay_id, outcome="executed")
        await stage.events.one("fill.booked")
        async with http.get(f"{api}/parlays/{parlay_id}", headers=HEADERS) as reply:
            told = await reply.json()
        conforms(told, "/parlays/{parlay_id}")
        assert {fill["ticker"] for fill in told["fills"]} <= {SEA, WARM}
        assert {one["attempts"][0]["state"] for one in told["intents"]} == {"filled"}
        assert told["summary"]["revision"] >= 1
        for path in ("/status", "/report", "/inbox?which=all", "/orders?state=filled"):
            async with http.get(api + path, headers=HEADERS) as reply:
                conforms(await reply.json(), path.partition("?")[0])
        async with http.post(f"{api}/reconcile", json={"reason": "look"}, headers=HEADERS) as reply:
            assert (await reply.json())["result"] == "agrees"

        async with http.post(f"{api}/halt", json={"reason": "enough"}, headers=HEADERS) as reply:
            assert reply.status == 200
        assert (await stage.events.one("sending.halted"))["by"] == "ann"
        refused = await stage.extension.ask(5, [(await stage.extension.save(WARM))[-1]])
        assert (refused.status, refused.code) == (503, "halted")
        async with http.post(f"{api}/resume", json={"reason": "rested"}, headers=HEADERS) as reply:
            assert reply.status == 200
        assert (await stage.events.one("sending.resumed"))["reason"] == "rested"
        # Nothing of the operators' listener is on the public one.
        async with http.get(f"{stage.base}/ops/login") as reply:
            assert reply.status == 404


async def test_without_a_token_the_service_runs_and_its_operators_page_is_closed(tmp_path: Path) -> None:
    async with open_stage(tmp_path, generate_credentials(), {}, ready=False) as stage:
        started = await stage.events.one("service.started")
        assert (await stage.events.one("operators.closed"))["reason"] == "HEDGE_OPS_TOKEN is not set"
        async with stage.sandbox.http.get(f"http://127.0.0.1:{started['ops_port']}/ops") as reply:
            assert (reply.status, "Set HEDGE_OPS_TOKEN" in await reply.text()) == (503, True)


async def test_the_log_tells_of_halts_made_elsewhere_each_once(database: Database) -> None:
    log = Log()
    watch = HaltWatch(database=database, log=log)
    await watch.step()
    by = Operator(name="ann", reason="enough", at=NOW)

    await database.write(lambda tx: halt(tx, by))
    await database.write(lambda tx: resume(tx, by))
    await database.write(lambda tx: halts.put(tx, halted=True, reason="x", actor="start-up", at=NOW))
    for _ in range(2):
        await watch.step()
    assert [event for event, _ in log.lines] == ["sending.halted", "sending.resumed"]
    # A halt that stands when the service starts is told again, whoever made it.
    again = Log()
    await HaltWatch(database=database, log=again).step()
    assert again.named("sending.halted") == [{"reason": "x", "by": "start-up", "since": NOW.isoformat()}]
