"""What every part stands on, opened: the database, the exchange, the payment service, the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from hedge_service.clients.advisor import Advisor
from hedge_service.clients.kalshi.client import KalshiClient
from hedge_service.clients.kalshi.signer import Signer
from hedge_service.clients.kalshi.transport import Transport
from hedge_service.clients.limiter import RateLimiter
from hedge_service.clients.meter import UNMETERED
from hedge_service.core.pacing import tier_limits
from hedge_service.crash import ignore
from hedge_service.errors import ConfigError, PeerError
from hedge_service.store import identity, migrate, moves
from hedge_service.store.db import Database

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from sqlalchemy.engine import Connection

    from hedge_service.clients.meter import Meter
    from hedge_service.clients.payments import Payments
    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.crash import Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """What every part stands on: facts, time, the log, and who is talked to."""

    config: Config
    clock: Clock
    log: Any
    database: Database
    exchange: KalshiClient
    payments: Payments
    advisor: Advisor


class Common(TypedDict):
    """What nearly every part takes."""

    database: Database
    clock: Clock
    log: Any


async def open_database(stack: AsyncExitStack, config: Config, probe: Probe) -> Database:
    """Open and migrate the database. Raises ConfigError when it belongs to something else or is closed."""
    database = await stack.enter_async_context(Database(config.database.url, probe=probe))
    try:
        await database.read(moves.refuse)
        await database.write(migrate.upgrade)
        wrong = await database.write(lambda tx: _claimed(tx, config))
    except moves.Closed as closed:
        raise ConfigError((str(closed),), code=closed.code) from None
    if wrong:
        raise ConfigError(
            tuple(
                f"the database belongs to {name} {stored!r}, not {wanted!r}: use another [database] url"
                for name, (stored, wanted) in wrong.items()
            )
        )
    return database


def _claimed(tx: Connection, config: Config) -> dict[str, tuple[str, str]]:
    wrong = identity.claim(tx, identity.facts_of(config))
    # After the claim, which waits for a move that is about to begin here.
    moves.refuse(tx)
    return wrong


async def open_exchange(
    stack: AsyncExitStack, config: Config, clock: Clock, *, probe: Probe = ignore, meter: Meter = UNMETERED
) -> KalshiClient:
    """Open a client of the configured exchange account; `stack` closes it."""
    transport = Transport(probe=probe)
    stack.push_async_callback(transport.close)
    return KalshiClient(
        base_url=config.kalshi.api_url,
        signer=_signer(stack, config),
        transport=transport,
        limiter=RateLimiter(tier_limits(config.kalshi.rate_limit.tier.value), clock, meter=meter),
        clock=clock,
        subaccount=config.kalshi.subaccount,
        order_timeout_s=config.kalshi.order_timeout_s,
        meter=meter,
    )


def _signer(stack: AsyncExitStack, config: Config) -> Signer | None:
    key_id, pem = reveal(config.secrets.kalshi_api_key), reveal(config.secrets.kalshi_private_key)
    if key_id is None or pem is None:
        return None
    signer = Signer(key_id=key_id, pem=pem)
    stack.callback(signer.close)
    return signer


async def adopt_limits(exchange: KalshiClient, config: Config, log: Any) -> None:
    """Pace by the account's own limits, or by the configured tier where they can't be read."""
    try:
        limits = await exchange.adopt_limits()
    except PeerError as error:
        tier = config.kalshi.rate_limit.tier.value
        log.warning("limits.assumed", tier=tier, code=error.code, reason="the account's own can't be read")
    else:
        log.info("limits.adopted", tier=limits.tier, write_per_s=limits.write.refill_rate)


def advisor_of(config: Config, clock: Clock) -> Advisor:
    """Make the model's client; it connects at its first question."""
    return Advisor(
        reveal(config.secrets.openai_api_key),
        model=config.openai.model,
        timeout_s=config.openai.timeout_s,
        monotonic=clock.monotonic,
        base_url=config.openai.base_url,
        enabled=config.openai.enabled,
    )


def reveal(secret: Any) -> str | None:
    """Give a secret in the clear, for the client that needs it."""
    return None if secret is None else secret.get_secret_value()
