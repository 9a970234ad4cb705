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
    """Checks each send against the journal and against what was lately seen of the exchange."""

    def __init__(self, *, snapshots: Snapshots, clock: Clock, max_attempts: int) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._max_attempts = max_attempts

    def check(self, tx: Connection, intent: Intent, attempt: Attempt) -> None:
        """Let a send through. Raises Waiting, Barred or ImpossibleCount.

        Inside the transaction that writes SENDING: two orders at once can't both count on the same cash.
        """
        attempts = journal.load(tx, intent.id)[1]
        lock = journal_lock(intent, attempts, attempt, max_attempts=self._max_attempts)
        lock = venue_lock(intent, attempt, self._seen(tx, intent, attempt)) if lock is None else lock
        match lock:
            case Wait():
                raise Waiting(lock)
            case Bar():
                raise Barred(lock)
            case Impossible(detail=detail):
                raise ImpossibleCount(detail)
            case None:
                return

    def _seen(self, tx: Connection, intent: Intent, attempt: Attempt) -> Seen:
        snapshots = self._snapshots
        market, cash = snapshots.market(intent.ticker), snapshots.cash()
        reserved = Money.ZERO
        if market is not None and cash is not None:
            reserved = self._reserved(tx, market, attempt, cash.as_of)
        return Seen(
            now=self._clock.now(),
            status=snapshots.status(),
            attestation=snapshots.attestation(),
            market=market,
            balance=None if cash is None else cash.balance,
            reserved=reserved,
        )

    def _reserved(self, tx: Connection, market: Market, attempt: Attempt, as_of: datetime) -> Money:
        """Add up what orders under way may still take of a market's shard.

        An order in a market whose shard is not known counts on every shard.
        """
        shards = {None, market.exchange_index}
        return sum(
            (
                _takes(intent, other)
                for intent, other in journal.under_way(tx, since=as_of)
                if other.client_order_id != attempt.client_order_id
                and self._snapshots.shard(intent.ticker) in shards
            ),
            Money.ZERO,
        )


def _takes(intent: Intent, attempt: Attempt) -> Money:
    if intent.reduce_only:
        return Money.ZERO
    return attempt.cost + attempt.fees if attempt.state.ended else order_cost(intent, attempt.count)
