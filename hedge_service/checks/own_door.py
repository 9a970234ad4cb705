"""The webhook tried on the running service: a correct signature is taken, a wrong one refused.

The event's type is one that nobody acts on, and its id is always the same: however often the check is run,
one row is kept, marked as noted, and nothing happens.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from hedge_service.checks.findings import Judgement, fail, good, warn
from hedge_service.clock import millis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.clock import Clock
    from hedge_service.config import Config

EVENT_ID, EVENT_TYPE = "evt_hedge_service_check", "hedge_service.check"
WITHIN_S = 5.0
NOT_RUNNING = "the service is not running"
STRANGER = "Is this another program's port? See [service] port."
START = "Start `hedge-service serve` and check again: the door can only be tried while it runs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the running service answered: its health, and the statuses of both webhooks; None: no HTTP."""

    health: Mapping[str, Any]
    right: int | None
    wrong: int | None


NO_HTTP = Answers(health={}, right=None, wrong=None)


async def ask(config: Config, secret: str, clock: Clock) -> Answers | None:
    """Try the door; None when nothing listens there."""
    base = base_of(config)
    if base is None:
        return None
    body, seconds = _event(clock, live=_is_live(config)), millis(clock.now()) // 1000
    # The service answers to its own names alone, whatever address it is bound to.
    named = {"Host": "localhost"}
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout, headers=named, trust_env=False) as http:
        try:
            async with http.get(f"{base}/health", allow_redirects=False) as reply:
                health = _object(await reply.read())
            right = await _post(http, base, body, signature(body, secret, seconds))
            wrong = await _post(http, base, body, signature(body, f"not-{secret}", seconds))
        except aiohttp.ClientConnectorError:
            return None
        except (aiohttp.ClientError, TimeoutError):
            return NO_HTTP
    return Answers(health=health, right=right, wrong=wrong)


def base_of(config: Config) -> str | None:
    """Give where the service can be reached from this machine; None for a port that is not known."""
    service = config.service
    if service.port == 0:
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(service.host, service.host)  # noqa: S104 - compared with
    return f"http://[{host}]:{service.port}" if ":" in host else f"http://{host}:{service.port}"


def signature(body: bytes, secret: str, seconds: int) -> str:
    """Sign as Stripe does: https://docs.stripe.com/webhooks#verify-manually."""
    signed = f"{seconds}.".encode() + body
    return f"t={seconds},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def judge_webhook(answers: Answers | None) -> Judgement:
    """Judge what the door answered."""
    if answers is None:
        return warn(NOT_RUNNING, START)
    if answers.right is None or answers.wrong is None:
        return fail("what listens on the port answers no HTTP", STRANGER)
    if answers.wrong < HTTPStatus.BAD_REQUEST:
        return fail("a wrong signature was taken", STRANGER)
    if answers.right == HTTPStatus.OK:
        return good("a correct signature is taken, a wrong one refused")
    if answers.right == HTTPStatus.SERVICE_UNAVAILABLE:
        return fail("closed: the running service has no secret", "Restart it with STRIPE_WEBHOOK_SECRET set.")
    return fail(
        f"a correct signature is refused ({answers.right})",
        "The running service has another secret or a wrong clock: restart it with these settings.",
    )


def judge_service(answers: Answers | None, config: Config, version: str) -> Judgement:
    """Judge whether what runs is what is configured."""
    if answers is None:
        return warn(NOT_RUNNING, START)
    wanted = {
        "version": version,
        "mode": config.mode.value,
        "environment": config.kalshi.environment.value,
    }
    other = {
        name: answers.health.get(name) for name, value in wanted.items() if answers.health.get(name) != value
    }
    if other:
        told = ", ".join(f"{name} {value}" for name, value in other.items())
        return warn(f"runs with {told}", "Restart it: it goes by other settings than these.")
    return good(f"version {version} runs with these settings")


def judge_unasked(config: Config) -> Judgement:
    """Judge a webhook that can't be tried."""
    if config.secrets.stripe_webhook_secret is None:
        return warn("no secret", "Set STRIPE_WEBHOOK_SECRET; until then the webhook answers 503.")
    return warn("[service] port is 0: the door is not known", "Give the service a port of its own.")


async def _post(http: aiohttp.ClientSession, base: str, body: bytes, signed: str) -> int:
    headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
    url = f"{base}/api/webhook"
    async with http.post(url, data=body, headers=headers, allow_redirects=False) as reply:
        await reply.read()
        return reply.status


def _event(clock: Clock, *, live: bool) -> bytes:
    return orjson.dumps(
        {
            "id": EVENT_ID,
            "object": "event",
            "type": EVENT_TYPE,
            "created": millis(clock.now()) // 1000,
            "livemode": live,
            "api_version": None,
            "data": {"object": {"id": "check", "object": "check"}},
        }
    )


def _is_live(config: Config) -> bool:
    mode = config.secrets.stripe_mode
    return mode is not None and mode.value == "live"


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
