"""What the product is measured against really does the work: it verifies, and it commits."""

from __future__ import annotations

import base64
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import RawTestServer, TestClient, TestServer

from benchmarks import keys
from benchmarks.bulk import grow
from benchmarks.client import HEAD_END, unpaid_event, webhook
from benchmarks.exchange import CREATES, Exchange
from benchmarks.floors.door import SCHEMA, application
from benchmarks.floors.orders import SCHEMA as SENDS
from benchmarks.floors.orders import BareClient
from benchmarks.group_commit import Journal
from benchmarks.processes import PROJECT
from hedge_service.store.db import Database
from hedge_service.store.migrate import upgrade

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "whsec_bench"


def kept(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Read with another connection: it sees what is committed, and nothing else."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def parts(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(HEAD_END)
    lines = head.decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines if not line.startswith("Host")), body


async def test_the_bare_door_keeps_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "floor.db", SCHEMA)
    async with TestClient(TestServer(application(journal, SECRET))) as client:
        now = int(time.time())
        good, forged, stale = (
            parts(webhook(0, unpaid_event(number), secret, stamp))
            for number, secret, stamp in ((1, SECRET, now), (2, "whsec_other", now), (3, SECRET, now - 400))
        )
        answers = [
            (await client.post("/api/webhook", data=body, headers=headers)).status
            for headers, body in (good, forged, stale, good)
        ]
        assert answers == [200, 400, 400, 200]
        assert kept(journal.path, "SELECT payload FROM inbox") == [(good[1],)]
    journal.close()


async def test_the_journal_is_wal_and_keeps_all_statements_of_a_write_or_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "floor.db", SENDS)
    insert = "INSERT INTO sends (client_order_id, state, body, sent_ms) VALUES (?, 'sending', ?, 1)"
    await journal.write(insert, "one", b"x")
    with pytest.raises(sqlite3.IntegrityError):
        await journal.write_all([(insert, ("two", b"x")), (insert, ("one", b"x"))])
    assert kept(journal.path, "SELECT client_order_id FROM sends") == [("one",)]
    assert kept(journal.path, "PRAGMA journal_mode") == [("wal",)]
    journal.close()


@pytest.mark.parametrize("kind", [keys.RSA, keys.ED25519])
async def test_the_bare_client_signs_and_journals_what_the_stand_in_verifies(
    tmp_path: Path, kind: str
) -> None:
    pem = keys.new_pem(kind)
    exchange = Exchange(pem)
    journal = Journal(tmp_path / "floor.db", SENDS)
    async with RawTestServer(exchange.handle) as server:
        client = BareClient(str(server.make_url("")).rstrip("/"), pem, journal)
        await client.send("hs-1")
        await client.close()
    assert exchange.verified == 1
    assert kept(journal.path, "SELECT client_order_id, state, order_id FROM sends") == [
        ("hs-1", "filled", exchange.orders["hs-1"]["order_id"])
    ]
    journal.close()


async def test_the_stand_in_refuses_a_forged_signature() -> None:
    exchange = Exchange(keys.new_pem(keys.ED25519))
    forged = keys.sign(keys.private_key(keys.new_pem(keys.ED25519)), f"1POST{CREATES}".encode())
    headers = {
        "KALSHI-ACCESS-TIMESTAMP": "1",
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(forged).decode(),
    }
    async with (
        RawTestServer(exchange.handle) as server,
        ClientSession() as session,
        session.post(server.make_url(CREATES), data=b"{}", headers=headers) as reply,
    ):
        assert reply.status == 401
    assert not exchange.orders


async def test_a_database_with_a_past_has_as_many_orders_as_postings_and_balances(tmp_path: Path) -> None:
    path = tmp_path / "past.db"
    async with Database(f"sqlite+aiosqlite:///{path}") as database:
        await database.write(upgrade)
        await database.write(lambda tx: grow(tx, 400))
    assert kept(path, "SELECT count(*), sum(micros) FROM ledger_postings") == [(400, 0)]
    assert kept(path, "SELECT count(*) FROM attempts") == [(400,)]
    assert kept(path, "PRAGMA foreign_key_check") == []


def test_a_worker_ends_with_its_run_even_in_the_middle_of_a_command() -> None:
    """A run that is killed closes its workers' standard input, and can do no more."""
    program = (
        "import asyncio; from benchmarks.controlled import controlled, run\n"
        "async def wait(): await asyncio.Event().wait()\n"
        "run(controlled({'wait': wait}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=b'{"do": "wait"}\n',
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""
