from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from structlog.testing import capture_logs

from hedge_service.store import inbox
from hedge_service.web.routes import web_application
from tests.web.web_fakes import NOW, SECRET, RowIntake

if TYPE_CHECKING:
    from aiohttp.pytest_plugin import AiohttpClient

    from hedge_service.core.inbox import StoredEvent
    from hedge_service.store.db import Database
    from hedge_service.web.keys import Doors
    from tests.web.web_fakes import Client

STAMP = int(NOW.timestamp())
LIMIT = 256 * 1024


def event(**changes: Any) -> bytes:
    fields = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "created": STAMP,
        "livemode": False,
        "api_version": "2026-09-30",
        "data": {"object": {"id": "cs_test_a1", "customer_details": {"email": "someone@example.org"}}},
    }
    return orjson.dumps(fields | changes)


def signed(payload: bytes, *, stamp: int = STAMP, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={mac}"}


async def deliver(client: Client, payload: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with client.post("/api/webhook", data=payload, headers=headers) as response:
        return response.status, await response.json()


async def kept(database: Database) -> tuple[StoredEvent, ...]:
    return await database.read(lambda tx: inbox.due(tx, NOW, 100))


async def test_a_signed_event_is_kept_once_and_acknowledged_every_time(
    client: Client, database: Database
) -> None:
    payload = event()
    answers = await asyncio.gather(*(deliver(client, payload, signed(payload)) for _ in range(20)))
    assert answers == [(200, {"received": True})] * 20
    rows = await kept(database)
    assert [(row.source, row.external_id, row.type) for row in rows] == [
        ("stripe", "evt_1", "checkout.session.completed")
    ]


async def test_what_the_customer_typed_is_not_kept(client: Client, database: Database) -> None:
    payload = event()
    await deliver(client, payload, signed(payload))
    assert b"someone@example.org" not in (await kept(database))[0].payload


async def test_an_unknown_type_is_kept_and_acknowledged(client: Client, database: Database) -> None:
    payload = event(type="customer.updated")
    assert (await deliver(client, payload, signed(payload)))[0] == 200
    assert len(await kept(database)) == 1


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        (event(), {}),
        (event(), {"Stripe-Signature": ""}),
        (event(), {"Stripe-Signature": "t=1,v1=\u00fc"}),
        (event(), signed(event(), secret="whsec_somebody_elses")),
        (event(), signed(event(id="evt_2"))),
        (event(), signed(event(), stamp=STAMP - 301)),
        (event(), signed(event(), stamp=STAMP + 3600)),
        (b"\xff\xfe", signed(b"\xff\xfe")),
        (b"not json", signed(b"not json")),
        (b"[]", signed(b"[]")),
        (event(id=5), signed(event(id=5))),
        (b"", signed(b"")),
    ],
)
async def test_what_is_not_proved_to_be_stripes_is_refused_and_not_kept(
    client: Client, database: Database, payload: bytes, headers: dict[str, str]
) -> None:
    with capture_logs() as lines:
        status, body = await deliver(client, payload, headers)
    assert status == 400
    assert set(body) == {"error", "details", "code"}
    assert await kept(database) == ()
    rejected = [line for line in lines if line["event"] == "webhook.rejected"]
    assert len(rejected) == 1
    assert rejected[0]["reason"]
    assert "someone@example.org" not in str(lines)


async def test_the_largest_body_passes_and_a_larger_one_does_not(client: Client, database: Database) -> None:
    largest = event()[:-1] + b" " * (LIMIT - len(event())) + b"}"
    assert len(largest) == LIMIT
    assert (await deliver(client, largest, signed(largest)))[0] == 200
    larger = largest + b" "
    assert (await deliver(client, larger, signed(larger)))[0] == 413
    assert len(await kept(database)) == 1


async def test_a_body_of_untold_length_is_bounded_too(client: Client) -> None:
    async def endless() -> Any:
        for _ in range(20):
            yield b" " * 64 * 1024

    async with client.post("/api/webhook", data=endless()) as response:
        assert response.status == 413
        assert (await response.json())["code"] == "too_large"


async def test_without_a_secret_the_webhook_is_closed(doors: Doors, aiohttp_client: AiohttpClient) -> None:
    closed = replace(doors, facts=replace(doors.facts, webhook_secret=None))
    client = await aiohttp_client(web_application(closed))
    assert (await deliver(client, event(), signed(event(), secret="")))[0] == 503


async def test_an_event_that_could_not_be_kept_is_not_acknowledged(
    client: Client, database: Database
) -> None:
    await database.close()
    status, body = await deliver(client, event(), signed(event()))
    assert (status, body["code"]) == (503, "store_unavailable")


async def test_stripe_may_come_by_the_tunnels_name(client: Client) -> None:
    headers = signed(event()) | {"Host": "tunnel.example"}
    assert (await deliver(client, event(), headers))[0] == 200


def test_the_rows_of_these_tests_come_from_the_real_inbox(doors: Doors) -> None:
    assert isinstance(doors.intake, RowIntake)
