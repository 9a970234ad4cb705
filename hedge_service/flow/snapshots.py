"""What the exchange said lately: read by loops, asked before each send, with a stated maximum age.

Nothing here is read for a single order: the balance may be asked once a second only, whatever is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from hedge_service.clients.kalshi.errors import ExchangeRefused
from hedge_service.core.locks import Attestation
from hedge_service.errors import PeerError
from hedge_service.flow.runner import Nudge
from hedge_service.store import journal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from hedge_service.clock import Clock
    from hedge_service.core.market import Market
    from hedge_service.core.venue import ApiKeys, Balance, ExchangeStatus, MarketList
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

T = TypeVar("T")

# Seconds after which an answer is no longer gone by, and how often it is asked anew.
STATUS_MAX_AGE_S, STATUS_EVERY_S = 15.0, 3.0
MARKET_MAX_AGE_S, MARKET_EVERY_S = 15.0, 3.0
BALANCE_MAX_AGE_S, BALANCE_EVERY_S = 30.0, 5.0
ATTESTATION_MAX_AGE_S, ATTESTATION_EVERY_S = 3_600.0, 300.0
# How soon after the lease is taken the sender's own snapshots are begun.
LOOK_EVERY_S = 0.25
MOST_MARKETS = 5_000


class SnapshotReads(Protocol):
    """The exchange reads behind the snapshots. Each raises PeerError."""

    async def exchange_status(self) -> ExchangeStatus:
        """Tell what trades."""

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        """Read many markets."""

    async def balance(self) -> Balance:
        """Read the cash, shard by shard."""

    async def user_data_timestamp(self) -> datetime:
        """Tell as of when the cash is true."""

    async def api_keys(self) -> ApiKeys:
        """Read the keys and their attestation."""


@dataclass(frozen=True, slots=True)
class Aged(Generic[T]):
    """An answer, and when it was asked for on the monotonic clock."""

    value: T
    at: float


@dataclass(frozen=True, slots=True)
class Cash:
    """The balance, and as of when it holds: what was sent later is not in it."""

    balance: Balance
    as_of: datetime


class Snapshots:
    """Keeps the exchange's latest answers. The status is read by every process, the rest by the sender."""

    def __init__(
        self,
        *,
        reads: SnapshotReads,
        database: Database,
        sender: Sender,
        clock: Clock,
        dry_run: bool,
        log: Any,
    ) -> None:
        self._reads = reads
        self._database = database
        self._sender = sender
        self._clock = clock
        self._dry_run = dry_run
        self._log = log
        self._status: Aged[ExchangeStatus] | None = None
        self._attestation: Aged[Attestation] | None = None
        self._cash: Aged[Cash] | None = None
        self._markets: dict[str, Aged[Market]] = {}
        self._failing: set[str] = set()

    def status(self) -> ExchangeStatus | None:
        """Give the exchange's status; None when it is too old."""
        return self._fresh(self._status, STATUS_MAX_AGE_S)

    def attestation(self) -> Attestation | None:
        """Give the location attestation; None when it is too old."""
        return self._fresh(self._attestation, ATTESTATION_MAX_AGE_S)

    def cash(self) -> Cash | None:
        """Give the balance; None when it is too old."""
        return self._fresh(self._cash, BALANCE_MAX_AGE_S)

    def market(self, ticker: str) -> Market | None:
        """Give a market; None when it is too old."""
        return self._fresh(self._markets.get(ticker), MARKET_MAX_AGE_S)

    def shard(self, ticker: str) -> int | None:
        """Give the shard of a market, which never changes; None for one never read."""
        known = self._markets.get(ticker)
        return None if known is None else known.value.exchange_index

    def paused(self) -> bool:
        """Say whether the exchange was lately seen to take no orders at all."""
        status = self.status()
        if status is None:
            return False
        return not any(status.trading_on(shard) for shard in status.shards or (0,))

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read markets for somebody else, and remember them: their orders need no read of their own."""
        asked_at = self._clock.monotonic()
        listed = await self._reads.markets(tickers)
        self._remember(listed, asked_at)
        return listed

    async def read_status(self) -> None:
        """Read the exchange's status."""
        asked_at = self._clock.monotonic()
        status = await self._try("status", self._reads.exchange_status)
        if status is not None:
            self._status = Aged(status, asked_at)

    async def read_attestation(self) -> None:
        """Read the location attestation when it is due.

        A key that may not list the keys can't know: the exchange's own check decides then.
        """
        if not self._sender.alive() or self._young(self._attestation, ATTESTATION_EVERY_S):
            return
        asked_at = self._clock.monotonic()
        found = await self._try("attestation", self._read_attestation)
        if found is not None:
            self._attestation = Aged(found, asked_at)

    async def read_cash(self) -> None:
        """Read the balance when it is due, after asking as of when it will be true."""
        if not self._sender.alive() or self._young(self._cash, BALANCE_EVERY_S):
            return
        asked_at = self._clock.monotonic()
        cash = await self._try("balance", self._read_cash)
        if cash is not None:
            self._cash = Aged(cash, asked_at)

    async def read_markets(self) -> None:
        """Read the markets of open intents that were not read lately."""
        if not self._sender.alive():
            return
        tickers = await self._database.read(journal.open_tickers)
        due = tuple(one for one in tickers if not self._young(self._markets.get(one), MARKET_EVERY_S))
        if due:
            await self._try("markets", lambda: self.markets(due))

    def loops(self) -> tuple[tuple[str, Callable[[], Awaitable[None]], Nudge, float], ...]:
        """Give the loops that keep everything fresh: name, step, what wakes it, seconds between steps."""
        status = ("snapshot.status", self.read_status, Nudge(), STATUS_EVERY_S)
        if self._dry_run:
            # Nothing is sent: only the doors ask, and only whether the exchange is paused.
            return (status,)
        return (
            status,
            ("snapshot.attestation", self.read_attestation, Nudge(), LOOK_EVERY_S),
            ("snapshot.balance", self.read_cash, Nudge(), LOOK_EVERY_S),
            ("snapshot.markets", self.read_markets, Nudge(), LOOK_EVERY_S),
        )

    async def _read_attestation(self) -> Attestation:
        try:
            return Attestation((await self._reads.api_keys()).region_expiration)
        except ExchangeRefused as refusal:
            self._log.warning("snapshot.refused", what="attestation", code=refusal.code)
            return Attestation(None)

    async def _read_cash(self) -> Cash:
        now = self._clock.now()
        as_of = await self._reads.user_data_timestamp()
        return Cash(await self._reads.balance(), min(as_of, now))

    def _remember(self, listed: MarketList, asked_at: float) -> None:
        if len(self._markets) + len(listed.found) > MOST_MARKETS:
            self._markets.clear()
        for ticker, market in listed.found.items():
            self._markets[ticker] = Aged(market, asked_at)

    async def _try(self, what: str, read: Callable[[], Awaitable[T]]) -> T | None:
        """Read, and tell once when it begins to fail; what was read before ages until it is stale."""
        try:
            found = await read()
        except PeerError as error:
            if what not in self._failing:
                self._failing.add(what)
                self._log.warning("snapshot.failed", what=what, **error.log_context())
            return None
        self._failing.discard(what)
        return found

    def _fresh(self, aged: Aged[T] | None, max_age_s: float) -> T | None:
        return aged.value if aged is not None and self._young(aged, max_age_s) else None

    def _young(self, aged: Aged[Any] | None, age_s: float) -> bool:
        return aged is not None and self._clock.monotonic() - aged.at < age_s
