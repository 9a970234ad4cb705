"""Whether the process lives, and whether it may work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.web.keys import DOORS
from hedge_service.web.replies import json_reply

if TYPE_CHECKING:
    from aiohttp import web


async def health(request: web.Request) -> web.Response:
    """Say that the process is alive, and what it is."""
    facts = request.app[DOORS].facts
    body = {"status": "ok", "version": facts.version, "mode": facts.mode, "environment": facts.environment}
    return json_reply(body)


async def ready(request: web.Request) -> web.Response:
    """Say whether quotes can be sold and orders sent, or what is in the way."""
    problems = await request.app[DOORS].readiness.problems()
    if problems:
        return json_reply({"ready": False, "reasons": list(problems)}, status=503)
    return json_reply({"ready": True})
