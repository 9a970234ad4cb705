"""The floor of the webhook's door: a bare aiohttp handler that verifies, inserts one row, and answers.

The signature is checked over the raw body with the standard library, the row is on disk (group commit,
WAL, synchronous=FULL) before the 200. `python -m benchmarks.floors.door FOLDER SECRET` writes its port.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
import time
from pathlib import Path

import orjson
from aiohttp import web

from benchmarks.controlled import controlled, run, say
from benchmarks.group_commit import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
  id INTEGER PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, received_ms INTEGER NOT NULL,
  payload BLOB NOT NULL
) STRICT;
"""
INSERT = (
    "INSERT INTO inbox (external_id, type, received_ms, payload) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (external_id) DO NOTHING"
)
TOLERANCE_S = 300
RECEIVED = orjson.dumps({"received": True})


class Door:
    """Verify, put, answer."""

    def __init__(self, journal: Journal, secret: str) -> None:
        self._journal = journal
        self._secret = secret.encode()

    async def webhook(self, request: web.Request) -> web.Response:
        """Keep a verified event durably before saying so."""
        payload = await request.read()
        if not self._authentic(payload, request.headers.get("Stripe-Signature", "")):
            return web.Response(status=400)
        event = orjson.loads(payload)
        await self._journal.write(INSERT, event["id"], event["type"], int(time.time() * 1_000), payload)
        return web.Response(body=RECEIVED, content_type="application/json")

    def _authentic(self, payload: bytes, header: str) -> bool:
        parts = dict(item.partition("=")[::2] for item in header.split(","))
        stamp = parts.get("t", "")
        signed = hmac.new(self._secret, stamp.encode() + b"." + payload, hashlib.sha256).hexdigest()
        fresh = stamp.isdigit() and abs(time.time() - int(stamp)) <= TOLERANCE_S
        return fresh and hmac.compare_digest(signed, parts.get("v1", ""))


def application(journal: Journal, secret: str) -> web.Application:
    """Give the application with its one handler."""
    app = web.Application()
    app.router.add_post("/api/webhook", Door(journal, secret).webhook)
    return app


async def main() -> None:
    """Serve until told to end."""
    journal = Journal(Path(sys.argv[1]) / "floor.db", SCHEMA)
    runner = web.AppRunner(application(journal, sys.argv[2]), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say({"port": runner.addresses[0][1]})
    await controlled({})
    await runner.cleanup()
    journal.close()


if __name__ == "__main__":
    run(main())
