"""The second locks, asked in the very transaction that journals a send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.locks import (
    Bar,
    BarReason,
    Impossible,
    Seen,
    Wait,
    WaitReason,
    journal_lock,
    order_cost,
    venue_lock,
)
from hedge_service.core.money import Money
from hedge_service.store import journal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.market import Market
    from hedge_service.flow.snapshots import Snapshots


class Waiting(Exception):  # noqa: N818 - says what the order does
    """The order is not sent now; `reason` names why."""

    def __init__(self, lock: Wait) -> None:
        super().__init__(f"{lock.reason.value}: {lock.detail}")
        self.reason: WaitReason = lock.reason


class Barred(Exception):  # noqa: N818 - says what the order is
    """The order is not sent any more; `reason` names why, `detail` what to do about it."""

    def __init__(self, lock: Bar) -> None:
        super().__init__(f"{lock.reason.value}: {lock.detail}")
        self.reason: BarReason = lock.reason
        self.detail = lock.detail


class ImpossibleCount(Exception):  # noqa: N818 - says what was found
    """The journal says what can't be: sending must halt."""


class Safety:
    """Opens the locks on the journal and on what was lately seen of the exchange."""

    def __init__(self, *, snapshots: Snapshots, clock: Clock, max_attempts: int) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._max_attempts = max_attempts

    def opened(self, tx: Connection) -> Locks:
        """Give the locks as they stand in this transaction, the one that writes SENDING."""
        return Locks(tx, self._snapshots, now=self._clock.now(), max_attempts=self._max_attempts)


class Locks:
    """The second locks in one transaction: what an order takes, those that follow it can't count on."""

    def __init__(self, tx: Connection, snapshots: Snapshots, *, now: datetime, max_attempts: int) -> None:
        self._tx = tx
        self._snapshots = snapshots
        self._now = now
        self._max_attempts = max_attempts
        self._cash = snapshots.cash()
        self._taken: dict[str, tuple[int | None, Money]] | None = None

    def check(self, intent: Intent, attempts: tuple[Attempt, ...], attempt: Attempt) -> None:
        """Let a send through; `attempts`: all of its intent. Raises Waiting, Barred or ImpossibleCount."""
        lock = journal_lock(intent, attempts, attempt, max_attempts=self._max_attempts)
        lock = venue_lock(intent, attempt, self._seen(intent, attempt)) if lock is None else lock
        match lock:
            case Wait():
                raise Waiting(lock)
            case Bar():
                raise Barred(lock)
            case Impossible(detail=detail):
                raise ImpossibleCount(detail)
            case None:
                self._take(intent, attempt)

    def _seen(self, intent: Intent, attempt: Attempt) -> Seen:
        market = self._snapshots.market(intent.ticker)
        return Seen(
            now=self._now,
            status=self._snapshots.status(),
            attestation=self._snapshots.attestation(),
            market=market,
            balance=None if self._cash is None else self._cash.balance,
            reserved=Money.ZERO if market is None else self._reserved(market, attempt),
        )

    def _reserved(self, market: Market, attempt: Attempt) -> Money:
        """Add up what orders under way may still take of a market's shard.

        An order in a market whose shard is not known counts on every shard.
        """
        shards = {None, market.exchange_index}
        taken = (
            cash
            for name, (shard, cash) in self._under_way().items()
            if name != attempt.client_order_id and shard in shards
        )
        return sum(taken, Money.ZERO)

    def _take(self, intent: Intent, attempt: Attempt) -> None:
        taken = self._snapshots.shard(intent.ticker), _takes(intent, attempt)
        self._under_way()[attempt.client_order_id] = taken

    def _under_way(self) -> dict[str, tuple[int | None, Money]]:
        if self._taken is None:
            self._taken = {} if self._cash is None else self._taken_since(self._cash.as_of)
        return self._taken

    def _taken_since(self, as_of: datetime) -> dict[str, tuple[int | None, Money]]:
        """Give what the balance of then does not show: by order at work, by market once ended."""
        shard, ended = self._snapshots.shard, journal.taken_since(self._tx, as_of)
        working = {
            attempt.client_order_id: (shard(intent.ticker), _takes(intent, attempt))
            for intent, attempt in journal.under_way(self._tx)
        }
        return working | {f"ended in {ticker}": (shard(ticker), cash) for ticker, cash in ended.items()}


def _takes(intent: Intent, attempt: Attempt) -> Money:
    return Money.ZERO if intent.reduce_only else order_cost(intent, attempt.count)
