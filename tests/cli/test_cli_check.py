"""`check` as an operator runs it: against the sandbox, beside a service and without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hedge_service.sandbox.credentials import generate_credentials
from hedge_service.store import inbox
from hedge_service.store.db import Database
from tests.cli.test_ops_beside_service import hedge_service
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import knobs_of, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.sandbox_stage import SandboxStage

FREE = {"SERVICE__PORT": "0"}


async def check(folder: Path, environ: dict[str, str]) -> tuple[int, dict[str, Any]]:
    status, out, err = await hedge_service(folder, environ, "check", "--json")
    assert out, err
    told = json.loads(out)
    return status, {one["check"]: one for one in told["checks"]}


def environment(sandbox: SandboxStage, folder: Path, **changes: str) -> dict[str, str]:
    url = f"sqlite+aiosqlite:///{folder / 'hedge.db'}"
    return knobs_of(sandbox, {"DATABASE__URL": url, **changes})


async def test_beside_a_running_service_everything_is_tried(tmp_path: Path) -> None:
    async with open_sandbox(generate_credentials()) as sandbox, serving(sandbox, tmp_path, {}) as stage:
        port = stage.base.rpartition(":")[2]
        environ = environment(sandbox, tmp_path, SERVICE__PORT=port)
        for _ in range(2):
            status, found = await check(tmp_path, environ)
            failed = [one for one in found.values() if one["verdict"] == "fail"]
            assert (status, failed) == (0, [])
        for name in ("database", "exchange key", "webhook", "running service", "language model", "clock"):
            assert found[name]["verdict"] == "pass", found[name]
        assert found["classic parlay"]["verdict"] == "warn"
        # The self-test is one row that nobody acts on, however often it is made.
        assert [line["new"] for line in stage.events.named("webhook.received")] == [True, False]
        assert len(stage.events.named("webhook.rejected", reason="mismatch")) == 2
        async with Database(environ["HEDGE_DATABASE__URL"]) as database:
            kept = await database.read(lambda tx: inbox.known(tx, "stripe", ["evt_hedge_service_check"]))
            waiting = await database.read(lambda tx: inbox.unhandled(tx, ["hedge_service.check"]))
        assert (len(kept), waiting) == (1, ())

        # A service that goes by another secret is found out.
        other = environ | {"STRIPE_WEBHOOK_SECRET": "whsec_of_another_endpoint"}
        status, found = await check(tmp_path, other)
        assert (status, found["webhook"]["verdict"]) == (1, "fail")
        assert "whsec_of" not in json.dumps(found)


async def test_without_service_and_database_there_are_warnings(tmp_path: Path) -> None:
    async with open_sandbox(generate_credentials()) as sandbox:
        sandbox.sandbox.exchange.settings.region_expiration_ts = 1
        sandbox.sandbox.exchange.settings.maintenance.append((1.8e9, 1.9e9))
        environ = environment(sandbox, tmp_path, SERVICE__PORT="1", KALSHI__DRY_RUN="true")
        status, found = await check(tmp_path, environ)
        assert {name: one["verdict"] for name, one in found.items() if one["verdict"] != "pass"} == {
            "database": "warn",
            "location attestation": "fail",
            "running service": "warn",
            "webhook": "warn",
            "classic parlay": "warn",
            "operators": "warn",
        }
        assert status == 1
        assert found["maintenance"]["found"].startswith("next: 2027-01-15")
        assert not (tmp_path / "hedge.db").exists()


async def test_a_key_that_is_not_this_ones_is_refused_and_the_rest_still_told(tmp_path: Path) -> None:
    async with open_sandbox(generate_credentials()) as sandbox:
        other = generate_credentials()["KALSHI_DEMO_PRIVATE_KEY"]
        environ = environment(sandbox, tmp_path, **FREE) | {"KALSHI_DEMO_PRIVATE_KEY": other}
        status, found = await check(tmp_path, environ)
        assert status == 1
        assert "the exchange refuses it (401" in found["exchange key"]["found"]
        assert found["payments"]["verdict"] == found["exchange"]["verdict"] == "pass"


async def test_nobody_answers(tmp_path: Path) -> None:
    async with open_sandbox(generate_credentials()) as sandbox:
        environ = environment(sandbox, tmp_path, **FREE)
    environ["HEDGE_OPENAI__ENABLED"] = "false"
    status, out, err = await hedge_service(tmp_path, environ, "check")
    assert (status, "Traceback" in out + err) == (1, False)
    assert "can't be reached" in " ".join(out.split())
    assert out.splitlines()[-1].endswith("fail")


async def test_a_wrong_configuration_ends_with_two(tmp_path: Path) -> None:
    environ = {"STRIPE_API_KEY": "sk_live_abcdef"}
    status, out, err = await hedge_service(tmp_path, environ, "check", "--json")
    assert (status, out) == (2, "")
    assert "STRIPE_API_KEY: is a live key" in err
