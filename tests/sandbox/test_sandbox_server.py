"""The sandbox as a whole: one loopback port, one process, its own credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import stat
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from hedge_service.sandbox.credentials import (
    generate_credentials,
    kalshi_keys_of,
    service_environment,
    write_env_file,
)
from hedge_service.sandbox.server import build_sandbox, create_sandbox_app, loopback_host, run_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from hedge_service.sandbox.credentials import *
from hedge_service.sandbox.server import run_sandbox
credentials = generate_credentials()
def started(host, port):
    write_env_file(Path(sys.argv[1]), service_environment(credentials, host=host, port=port))
asyncio.run(run_sandbox(
    stripe_key=credentials["STRIPE_API_KEY"], openai_key=credentials["OPENAI_API_KEY"],
    kalshi_keys=kalshi_keys_of(credentials), webhook_secret=credentials["STRIPE_WEBHOOK_SECRET"],
    webhook_url="http://127.0.0.1:4000/api/webhook", on_started=started,
))
"""


@pytest.fixture(scope="module")
def credentials() -> dict[str, str]:
    return generate_credentials()


@pytest.fixture
async def server(credentials: dict[str, str]) -> AsyncIterator[TestServer]:
    sandbox = build_sandbox(
        stripe_key=credentials["STRIPE_API_KEY"],
        openai_key=credentials["OPENAI_API_KEY"],
        kalshi_keys=kalshi_keys_of(credentials),
    )
    started = TestServer(create_sandbox_app(sandbox))
    async with started:
        yield started


async def fetch(server: TestServer, method: str, path: str, **options: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, server.make_url(path), **options) as reply,
    ):
        return reply.status, await reply.json()


async def test_all_parts_answer_on_one_port(server: TestServer, credentials: dict[str, str]) -> None:
    stripe_auth = {"Authorization": f"Bearer {credentials['STRIPE_API_KEY']}"}
    model_auth = {"Authorization": f"Bearer {credentials['OPENAI_API_KEY']}"}
    question = {"model": "m", "input": "legs"}
    status, exchange = await fetch(server, "GET", "/trade-api/v2/exchange/status")
    assert (status, exchange["trading_active"]) == (200, True)
    assert (await fetch(server, "GET", "/v1/account", headers=stripe_auth))[0] == 200
    assert (await fetch(server, "POST", "/v1/responses", headers=model_auth, json=question))[0] == 200
    assert (await fetch(server, "GET", "/sandbox/model/calls"))[1]["count"] == 1
    assert (await fetch(server, "GET", "/sandbox/stripe/state"))[1]["sessions"] == []
    assert (await fetch(server, "GET", "/sandbox/health"))[0] == 200


async def test_the_exchange_knows_the_key_it_was_given(
    server: TestServer, credentials: dict[str, str]
) -> None:
    path = "/trade-api/v2/portfolio/balance"
    assert (await fetch(server, "GET", path, headers=signed(credentials, "GET", path)))[0] == 200
    assert (await fetch(server, "GET", path, headers=signed(credentials, "POST", path)))[0] == 401


def signed(credentials: dict[str, str], method: str, path: str) -> dict[str, str]:
    pem = credentials["KALSHI_DEMO_PRIVATE_KEY"].replace("\\n", "\n")
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    stamp = str(int(time.time() * 1000))
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    signature = key.sign(f"{stamp}{method}{path}".encode(), pss, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": credentials["KALSHI_DEMO_API_KEY"],
        "KALSHI-ACCESS-TIMESTAMP": stamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }


async def test_unknown_paths_and_methods_are_json(server: TestServer) -> None:
    assert await fetch(server, "GET", "/nowhere") == (404, {"error": "Not Found"})
    assert (await fetch(server, "POST", "/sandbox/health"))[0] == 405


async def test_other_web_pages_may_not_use_the_controls(server: TestServer) -> None:
    foreign = {"Origin": "https://example.com"}
    assert (await fetch(server, "POST", "/sandbox/model/reset", headers=foreign))[0] == 403
    own = {"Origin": str(server.make_url("")).rstrip("/")}
    assert (await fetch(server, "POST", "/sandbox/model/reset", headers=own))[0] == 200
    assert (await fetch(server, "POST", "/sandbox/model/reset", headers={"Origin": "null"}))[0] == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])  # noqa: S104 - refused here
def test_only_loopback_is_bound(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        loopback_host(host)


async def test_a_process_for_another_address_does_not_start() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        await run_sandbox(stripe_key="sk_test_x", openai_key="sk-x", kalshi_keys={}, host="192.0.2.1")


def test_a_foreign_webhook_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="webhook endpoint"):
        build_sandbox(
            stripe_key="sk_test_x", openai_key="sk-x", kalshi_keys={}, webhook_url="https://example.com/hook"
        )


def test_the_same_seed_makes_the_same_ids_and_none_makes_others() -> None:
    def first_id(seed: int | None) -> str:
        sandbox = build_sandbox(stripe_key="sk_test_x", openai_key="sk-x", kalshi_keys={}, seed=seed)
        return sandbox.stripe.books.new_session_id()

    assert first_id(1) == first_id(1)
    assert first_id(None) != first_id(None)


def test_credentials_are_fresh_and_fit_together(credentials: dict[str, str]) -> None:
    pem = credentials["KALSHI_DEMO_PRIVATE_KEY"]
    assert "\n" not in pem
    public = kalshi_keys_of(credentials)[credentials["KALSHI_DEMO_API_KEY"]]
    private = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    assert load_pem_public_key(public.encode()) == private.public_key()
    assert set(credentials.values()).isdisjoint(generate_credentials().values())


def test_the_environment_names_every_address() -> None:
    env = service_environment({"STRIPE_API_KEY": "sk_test_x"}, host="127.0.0.1", port=4100)
    assert env == {
        "STRIPE_API_KEY": "sk_test_x",
        "HEDGE_KALSHI__ENVIRONMENT": "sandbox",
        "HEDGE_KALSHI__BASE_URL": "http://127.0.0.1:4100/trade-api/v2",
        "HEDGE_STRIPE__API_BASE": "http://127.0.0.1:4100",
        "HEDGE_OPENAI__BASE_URL": "http://127.0.0.1:4100/v1",
    }
    assert service_environment({}, host="::1", port=1)["HEDGE_STRIPE__API_BASE"] == "http://[::1]:1"


def test_the_environment_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("OLD=1\n")
    path.chmod(0o644)
    write_env_file(path, {"A": "x", "B": r"y\nz"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == 'A="x"\nB="y\\nz"\n'
    with pytest.raises(ValueError, match="C does not fit"):
        write_env_file(path, {"C": "two\nlines"})


async def test_the_process_announces_its_port_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.env"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    started = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    assert (started["event"], started["host"]) == ("sandbox.started", "127.0.0.1")
    assert f'HEDGE_STRIPE__API_BASE="http://127.0.0.1:{started["port"]}"' in path.read_text()
    base = f"http://127.0.0.1:{started['port']}"
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{base}/sandbox/health") as reply:
            assert reply.status == 200
        await http.post(f"{base}/sandbox/model/script", json={"answers": [{"mode": "hang"}]})
        hanging = asyncio.ensure_future(_ask(http, base, _key_in(path)))
        await asyncio.wait_for(_first_call(http, base), 10)
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        with pytest.raises(aiohttp.ClientError):
            await hanging
    assert (process.returncode, errors) == (0, b"")


def _key_in(env_file: Path) -> str:
    pairs = (line.split("=", 1) for line in env_file.read_text().splitlines())
    return {name: value.strip('"') for name, value in pairs}["OPENAI_API_KEY"]


async def _ask(http: aiohttp.ClientSession, base: str, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    async with http.post(f"{base}/v1/responses", json={"model": "m", "input": ""}, headers=headers) as reply:
        return reply.status


async def _first_call(http: aiohttp.ClientSession, base: str) -> None:
    seen = 0
    while seen == 0:
        async with http.get(f"{base}/sandbox/model/calls") as reply:
            seen = (await reply.json())["count"]
