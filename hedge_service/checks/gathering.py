"""What there is to judge, gathered: each check asks its own party, and changes nothing there."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hedge_service import __version__
from hedge_service.checks import judging, own_door
from hedge_service.checks.example import profit_of_the_classic
from hedge_service.checks.findings import Judgement, fail, good, warn
from hedge_service.checks.model import QUESTION, judge_model
from hedge_service.clients.kalshi.errors import ExchangeRefused
from hedge_service.config import Environment
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.store import halts, identity, leases, migrate, moves
from hedge_service.store.db import Database

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr
    from sqlalchemy.engine import Connection

    from hedge_service.clients.advisor import Advisor
    from hedge_service.clients.kalshi.client import KalshiClient
    from hedge_service.clients.payments import Payments
    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.venue import ApiKeys

HALF_A_SECOND = timedelta(milliseconds=500)
CLOCK_WITHIN_S = 5.0


class Gathering:
    """Asks everything that the checks judge. Methods raise PeerError and StoreUnavailable."""

    def __init__(
        self, *, config: Config, exchange: KalshiClient, payments: Payments, advisor: Advisor, clock: Clock
    ) -> None:
        self._config = config
        self._exchange = exchange
        self._payments = payments
        self._advisor = advisor
        self._clock = clock
        self._keys: asyncio.Task[ApiKeys] | None = None
        self._door: asyncio.Task[own_door.Answers | None] | None = None

    async def configuration(self) -> Judgement:
        """Look at what would run."""
        return judging.configuration(self._config)

    async def database(self) -> Judgement:
        """Look at the database without making one."""
        path = self._config.database.path
        missing = None if path is None else await asyncio.to_thread(_missing, path)
        if missing is not None:
            return missing
        async with Database(self._config.database.url) as database:
            return await database.read(self._of_database)

    def _of_database(self, tx: Connection) -> Judgement:
        standing = migrate.standing(tx)
        closed = moves.closed(tx)
        if closed is not None:
            return judging.closed_database(str(closed))
        known = standing in (migrate.Standing.CURRENT, migrate.Standing.OLDER)
        wrong = identity.mismatches(tx, identity.facts_of(self._config)) if known else {}
        current = standing is migrate.Standing.CURRENT
        halt = halts.reason(tx) if current else None
        lease = leases.read(tx, identity.account_name(self._config)) if current else None
        runs = None if lease is None else lease.mode_at(self._clock.now())
        other = None if runs is None or runs.value == self._config.mode.value else runs.value
        return judging.database(standing, wrong, halt, other)

    async def clock(self) -> Judgement:
        """Compare our clock with the Date of an answer of the exchange."""
        timeout = aiohttp.ClientTimeout(total=CLOCK_WITHIN_S)
        url = f"{self._config.kalshi.api_url}/exchange/status"
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
            try:
                before = self._clock.now()
                async with http.get(url, allow_redirects=False) as reply:
                    after, told = self._clock.now(), reply.headers.get("Date")
            except (aiohttp.ClientError, TimeoutError):
                raise PeerUnavailable(Peer.EXCHANGE) from None
        if told is None:
            return warn("the exchange's answers carry no date", "Compare the clock with an NTP server.")
        theirs = parsedate_to_datetime(told) + HALF_A_SECOND
        return judging.clock((theirs - (before + (after - before) / 2)).total_seconds())

    async def key(self) -> Judgement:
        """Sign a read, and see whether the exchange takes it."""
        pem = self._config.secrets.kalshi_private_key
        if pem is None or self._config.secrets.kalshi_api_key is None:
            return judging.no_key(self._config)
        kind = _kind(pem)
        try:
            await self._exchange.limits()
        except ExchangeRefused as refused:
            return judging.key_refused(kind, refused.http_status, refused.refusal)
        return good(f"{kind} key, signature accepted")

    async def permissions(self) -> Judgement:
        """Look at what the key may do."""
        key_id = self._config.secrets.kalshi_api_key
        if not self._has_key or key_id is None:
            return judging.NEEDS_KEY
        try:
            keys = await self._listed()
        except ExchangeRefused as refused:
            return warn(f"the key may not list keys ({refused.refusal})", "Look at its page at the exchange.")
        return judging.permissions(keys, key_id.get_secret_value(), self._config)

    async def attestation(self) -> Judgement:
        """Look until when the location attestation holds."""
        if not self._has_key:
            return judging.NEEDS_KEY
        try:
            keys = await self._listed()
        except ExchangeRefused as refused:
            return warn(f"the key may not see it ({refused.refusal})", "The exchange decides at each order.")
        if self._config.kalshi.environment is Environment.SANDBOX and keys.region_expiration is None:
            return good("the sandbox asks for none")
        return judging.attestation(keys, self._clock.now())

    async def pace(self) -> Judgement:
        """Read the account's limits, and what an order costs."""
        if not self._has_key:
            return judging.NEEDS_KEY
        limits = await self._exchange.adopt_limits()
        return judging.pace(limits, self._exchange.create_cost, self._config)

    async def balance(self) -> Judgement:
        """Read the cash."""
        if not self._has_key:
            return judging.NEEDS_KEY
        return judging.balance(await self._exchange.balance(), self._config)

    async def exchange(self) -> Judgement:
        """Read whether the exchange trades."""
        return judging.exchange(await self._exchange.exchange_status())

    async def maintenance(self) -> Judgement:
        """Read the announced maintenance."""
        return judging.maintenance(await self._exchange.maintenance(), self._clock.now())

    async def payments(self) -> Judgement:
        """Ask the payment service for something that is not there yet."""
        if not self._payments.configured:
            return judging.payments(self._config, read=False)
        await self._payments.complete_sessions(created_gte=self._clock.now())
        return judging.payments(self._config, read=True)

    async def service(self) -> Judgement:
        """See whether what runs is what is configured."""
        if own_door.base_of(self._config) is None:
            return own_door.judge_unasked(self._config)
        return own_door.judge_service(await self._tried(), self._config, __version__)

    async def webhook(self) -> Judgement:
        """Try our own webhook."""
        if self._config.secrets.stripe_webhook_secret is None or own_door.base_of(self._config) is None:
            return own_door.judge_unasked(self._config)
        return own_door.judge_webhook(await self._tried())

    async def model(self) -> Judgement:
        """Ask the language model one tiny question."""
        return judge_model(await self._advisor.ask(QUESTION), self._config.openai.model)

    async def example(self) -> Judgement:
        """Price the classic parlay."""
        try:
            stake, profit = await asyncio.to_thread(profit_of_the_classic, self._config)
        except ValueError as error:
            return fail(f"the classic parlay can't be priced: {error}", "Correct [pricing] and [hedging].")
        return judging.edge(stake, profit, self._config.hedging.strategy.value)

    async def operators(self) -> Judgement:
        """Look at who may come to the operators' listener."""
        return judging.operators(self._config)

    async def address(self) -> Judgement:
        """Look at the address that payers are sent back to."""
        return judging.address(self._config)

    @property
    def _has_key(self) -> bool:
        secrets = self._config.secrets
        return secrets.kalshi_api_key is not None and secrets.kalshi_private_key is not None

    async def _listed(self) -> ApiKeys:
        # Two checks look at one answer.
        if self._keys is None:
            self._keys = asyncio.create_task(self._exchange.api_keys())
        return await asyncio.shield(self._keys)

    async def _tried(self) -> own_door.Answers | None:
        if self._door is None:
            given = self._config.secrets.stripe_webhook_secret
            secret = "" if given is None else given.get_secret_value()
            self._door = asyncio.create_task(own_door.ask(self._config, secret, self._clock))
        return await asyncio.shield(self._door)


def _kind(pem: SecretStr) -> str:
    key = load_pem_private_key(pem.get_secret_value().encode(), password=None)
    return "Ed25519" if isinstance(key, Ed25519PrivateKey) else f"RSA-{getattr(key, 'key_size', '?')}"


def _missing(path: Path) -> Judgement | None:
    if path.is_file():
        return None
    writable = path.parent.is_dir() and os.access(path.parent, os.W_OK)
    return judging.missing_database(path, folder_writable=writable)
