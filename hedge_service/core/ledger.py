"""Double-entry bookkeeping: every business event is one set of postings that sums to zero.

Amounts are micros, debits positive: assets and expenses grow by debits, liabilities and income by credits.
The cause is the set's unique key: an event posts once, however often it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR, Count, Money

if TYPE_CHECKING:
    from hedge_service.core.market import Side
    from hedge_service.core.money import Price


BALANCE_PRECISION = Money(100)
"""A direct member's balance is kept in 0.0001 dollar (Kalshi's fee rounding, README section 6)."""


class Account(StrEnum):
    """Where money is, whose it is, and how it was earned or lost."""

    STRIPE = "stripe"  # asset: what Stripe holds for us
    BANK = "bank"  # asset: what operators moved outside this service
    EXCHANGE_CASH = "exchange_cash"  # asset
    POSITIONS = "positions"  # asset, at cost
    SUSPENSE = "suspense"  # liability: payments that are no parlay (yet)
    OWED = "owed"  # liability: stakes of open parlays, payouts of won ones
    WALLET = "wallet"  # liability: winnings claimed
    STAKES = "stakes"  # income: stakes of lost parlays
    TRADING = "trading"  # income: what positions paid over their cost
    PAYOUTS = "payouts"  # expense: payouts over the stake
    STRIPE_FEES = "stripe_fees"  # expense
    EXCHANGE_FEES = "exchange_fees"  # expense
    GIVEN_BACK = "given_back"  # expense: refunds and lost disputes of parlays that stand


INCOME_AND_EXPENSE = frozenset(
    {
        Account.STAKES,
        Account.TRADING,
        Account.PAYOUTS,
        Account.STRIPE_FEES,
        Account.EXCHANGE_FEES,
        Account.GIVEN_BACK,
    }
)


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: micros debited (positive) or credited (negative) to an account."""

    account: Account
    micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingSet:
    """All lines of one business event. Raises ValueError unless they sum to zero."""

    cause: str
    kind: str
    postings: tuple[Posting, ...]
    parlay_id: str | None = None
    ticker: str | None = None

    def __post_init__(self) -> None:
        if sum(posting.micros for posting in self.postings) != 0:
            raise ValueError(f"{self.cause} does not balance")


def _move(amount: Money, *, to: Account, out_of: Account) -> tuple[Posting, ...]:
    return Posting(to, amount.micros), Posting(out_of, -amount.micros)


def books_opened(*, ticker: str, held: Position) -> PostingSet:
    """Book a position that was there before these books were: operators brought it in at its cost."""
    return PostingSet(
        cause=f"opening:{ticker}",
        kind="books_opened",
        ticker=ticker,
        postings=_move(held.cost, to=Account.POSITIONS, out_of=Account.BANK),
    )


def stake_received(*, session_id: str, parlay_id: str, stake: Money) -> PostingSet:
    """Book a payment that became a parlay: the stake is owed until the result is known."""
    return PostingSet(
        cause=f"payment:{session_id}",
        kind="stake_received",
        parlay_id=parlay_id,
        postings=_move(stake, to=Account.STRIPE, out_of=Account.OWED),
    )


def payment_parked(*, session_id: str, amount: Money) -> PostingSet:
    """Book a payment that bought nothing."""
    return PostingSet(
        cause=f"payment:{session_id}",
        kind="payment_parked",
        postings=_move(amount, to=Account.STRIPE, out_of=Account.SUSPENSE),
    )


def parked_payment_accepted(*, session_id: str, parlay_id: str, stake: Money) -> PostingSet:
    """Book a parked payment that became a parlay after all."""
    return PostingSet(
        cause=f"accepted:{session_id}",
        kind="parked_payment_accepted",
        parlay_id=parlay_id,
        postings=_move(stake, to=Account.SUSPENSE, out_of=Account.OWED),
    )


def stripe_fee(*, session_id: str, parlay_id: str | None, fee: Money) -> PostingSet:
    """Book what Stripe kept of a payment."""
    return PostingSet(
        cause=f"stripe_fee:{session_id}",
        kind="stripe_fee",
        parlay_id=parlay_id,
        postings=_move(fee, to=Account.STRIPE_FEES, out_of=Account.STRIPE),
    )


def parlay_lost(*, parlay_id: str, stake: Money) -> PostingSet:
    """Book the end of a lost parlay: the stake is earned."""
    return PostingSet(
        cause=f"result:{parlay_id}",
        kind="parlay_lost",
        parlay_id=parlay_id,
        postings=_move(stake, to=Account.OWED, out_of=Account.STAKES),
    )


def parlay_won(*, parlay_id: str, stake: Money, payout: Money) -> PostingSet:
    """Book the end of a won parlay: the whole payout is owed, the stake was owed before."""
    return PostingSet(
        cause=f"result:{parlay_id}",
        kind="parlay_won",
        parlay_id=parlay_id,
        postings=_move(payout - stake, to=Account.PAYOUTS, out_of=Account.OWED),
    )


def claimed(*, parlay_id: str, payout: Money) -> PostingSet:
    """Book a claim: what was owed lies in the user's wallet."""
    return PostingSet(
        cause=f"claim:{parlay_id}",
        kind="claimed",
        parlay_id=parlay_id,
        postings=_move(payout, to=Account.OWED, out_of=Account.WALLET),
    )


def paid_out(*, reference: str, amount: Money) -> PostingSet:
    """Book winnings paid outside this service."""
    return PostingSet(
        cause=f"payout:{reference}",
        kind="paid_out",
        postings=_move(amount, to=Account.WALLET, out_of=Account.BANK),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of one market: contracts of one side, at what they cost."""

    side: Side
    count: Count
    cost: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtFill:
    """One execution: contracts of `side` at `cost`, with `fee`."""

    trade_id: str
    ticker: str
    side: Side
    count: Count
    cost: Money
    fee: Money
    parlay_id: str | None


def book_fill(held: Position | None, fill: BoughtFill) -> tuple[PostingSet, Position | None]:
    """Book one execution on what is held; give the postings and what is held then.

    Opposite contracts net at the exchange: each pair pays $1 at once, and its cost leaves the books.
    """
    if held is None or held.side is fill.side or not held.count:
        before = held if held is not None and held.count else None
        count = fill.count if before is None else before.count + fill.count
        cost = fill.cost if before is None else before.cost + fill.cost
        return _fill_set(fill, Money.ZERO, fill.cost), Position(side=fill.side, count=count, cost=cost)
    pairs = min(held.count, fill.count)
    released, used = _share(held.cost, pairs, held.count), _share(fill.cost, pairs, fill.count)
    paid = Money(pairs.centis * MICROS_PER_DOLLAR // CENTIS_PER_CONTRACT)
    left = _left(held, fill, pairs, released, used)
    gain = paid - released - used
    return _fill_set(fill, gain, fill.cost - used - released, paid=paid), left


def _fill_set(fill: BoughtFill, gain: Money, positions: Money, paid: Money = Money.ZERO) -> PostingSet:
    lines = (
        Posting(Account.POSITIONS, positions.micros),
        Posting(Account.EXCHANGE_FEES, fill.fee.micros),
        Posting(Account.EXCHANGE_CASH, (paid - fill.cost - fill.fee).micros),
        Posting(Account.TRADING, -gain.micros),
    )
    return PostingSet(
        cause=f"fill:{fill.trade_id}",
        kind="fill",
        parlay_id=fill.parlay_id,
        ticker=fill.ticker,
        postings=tuple(line for line in lines if line.micros != 0),
    )


def _share(cost: Money, part: Count, whole: Count) -> Money:
    # Rounded down: the rest of a micro stays with what is still held, and leaves with its last contract.
    return Money(cost.micros * part.centis // whole.centis)


def _left(held: Position, fill: BoughtFill, pairs: Count, released: Money, used: Money) -> Position | None:
    if held.count > pairs:
        return Position(side=held.side, count=held.count - pairs, cost=held.cost - released)
    if fill.count > pairs:
        return Position(side=fill.side, count=fill.count - pairs, cost=fill.cost - used)
    return None


def settlement_revenue(count: Count, value: Price, precision: Money = BALANCE_PRECISION) -> Money:
    """Give what the exchange pays for `count` contracts at `value` each, rounded down to its precision."""
    exact = value.micros * count.centis // CENTIS_PER_CONTRACT
    return Money(exact // precision.micros * precision.micros)


def market_settled(*, ticker: str, held: Position, value: Price) -> PostingSet:
    """Book what a position paid: `value` is what one contract of the held side paid, in [0, 1] dollars.

    The exchange takes no fee of a settlement; the `fee_cost` of its settlement rows adds up the fees of the
    trades, which are booked with their fills.
    """
    return _closed(f"settlement:{ticker}", ticker, held, value)


def late_settlement(*, trade_id: str, ticker: str, held: Position, value: Price) -> PostingSet:
    """Book what an execution paid that became known only after its market had been settled in the books."""
    return _closed(f"settlement:{ticker}:{trade_id}", ticker, held, value)


def _closed(cause: str, ticker: str, held: Position, value: Price) -> PostingSet:
    revenue = settlement_revenue(held.count, value)
    lines = (
        Posting(Account.EXCHANGE_CASH, revenue.micros),
        Posting(Account.POSITIONS, -held.cost.micros),
        Posting(Account.TRADING, (held.cost - revenue).micros),
    )
    return PostingSet(
        cause=cause,
        kind="market_settled",
        ticker=ticker,
        postings=tuple(line for line in lines if line.micros != 0),
    )
