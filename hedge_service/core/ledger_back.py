"""Posting sets of money that goes back, as core.ledger has those of money that comes.

What a dispute takes counts as Stripe's until the dispute is decided: only a lost one is booked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.ledger import Account, Posting, PostingSet, parlay_won

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hedge_service.core.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose money goes back: of `amount`, `loss` was earned before or never came; the rest was owed."""

    parlay_id: str | None
    amount: Money
    loss: Money

    @property
    def liability(self) -> Account:
        """Give where the part that was owed stood."""
        return Account.SUSPENSE if self.parlay_id is None else Account.OWED


def refund_cause(refund_id: str) -> str:
    """Name the one posting of a refund."""
    return f"refund:{refund_id}"


def dispute_cause(dispute_id: str) -> str:
    """Name the one posting of a lost dispute."""
    return f"dispute:{dispute_id}"


def refund(*, refund_id: str, source: Source) -> PostingSet:
    """Book money given back through Stripe: a void parlay's stake, a parked payment, or a loss."""
    return _gone(refund_cause(refund_id), "refund", source)


def charged_back(*, dispute_id: str, source: Source) -> PostingSet:
    """Book a lost dispute: the bank has taken the payment back."""
    return _gone(dispute_cause(dispute_id), "charged_back", source)


def dispute_fee(*, transaction_id: str, parlay_id: str | None, fee: Money) -> PostingSet:
    """Book what Stripe charges for a dispute (negative when it gives it back)."""
    return PostingSet(
        cause=f"dispute_fee:{transaction_id}",
        kind="dispute_fee",
        parlay_id=parlay_id,
        postings=(Posting(Account.STRIPE_FEES, fee.micros), Posting(Account.STRIPE, -fee.micros)),
    )


def came_back(*, refund_id: str, parlay_id: str | None, booked: Iterable[Posting]) -> PostingSet:
    """Book a refund that failed at the payer's bank: what was `booked` for it is undone."""
    return PostingSet(
        cause=f"refund_failed:{refund_id}",
        kind="refund_failed",
        parlay_id=parlay_id,
        postings=tuple(Posting(line.account, -line.micros) for line in booked),
    )


def loss_covered(*, parlay_id: str, amount: Money) -> PostingSet:
    """Book that a parlay became void: what was booked as a loss before is taken from its stake."""
    return PostingSet(
        cause=f"void:{parlay_id}",
        kind="loss_covered",
        parlay_id=parlay_id,
        postings=(Posting(Account.OWED, amount.micros), Posting(Account.GIVEN_BACK, -amount.micros)),
    )


def win_undone(*, parlay_id: str, stake: Money, payout: Money) -> PostingSet:
    """Book that a won parlay became void: the stake alone is owed again."""
    won = parlay_won(parlay_id=parlay_id, stake=stake, payout=payout)
    return PostingSet(
        cause=f"win_undone:{parlay_id}",
        kind="win_undone",
        parlay_id=parlay_id,
        postings=tuple(Posting(line.account, -line.micros) for line in won.postings),
    )


def _gone(cause: str, kind: str, source: Source) -> PostingSet:
    lines = (
        Posting(source.liability, (source.amount - source.loss).micros),
        Posting(Account.GIVEN_BACK, source.loss.micros),
        Posting(Account.STRIPE, -source.amount.micros),
    )
    return PostingSet(
        cause=cause,
        kind=kind,
        parlay_id=source.parlay_id,
        postings=tuple(line for line in lines if line.micros != 0),
    )
