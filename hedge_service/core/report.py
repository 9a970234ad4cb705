"""Profit and loss: every parlay's figures, their total, and the checks that the same money is told twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hedge_service.core.ledger import INCOME_AND_EXPENSE, Account
from hedge_service.core.market_books import Trading, market_book
from hedge_service.core.money import Money
from hedge_service.core.settlement import ParlayState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from hedge_service.core.market_books import Event, MarketBook


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldParlay:
    """What the report needs of a parlay; `fee_estimate`: of a payment whose fee Stripe has not told yet."""

    id: str
    accepted_at: datetime
    mode: str
    state: str
    hedge: str | None
    stake: Money
    payout: Money
    fee_estimate: Money = Money.ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeCash:
    """The exchange account's cash when the books began and now, and what resting orders hold back now."""

    opening: Money
    now: Money
    resting: Money = Money.ZERO

    @property
    def change(self) -> Money:
        """Give how much more there is than at the beginning."""
        return self.now + self.resting - self.opening


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """All that one kind of business event booked to an account for one parlay (None: for none)."""

    parlay_id: str | None
    kind: str
    account: Account
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything that is told of the money; `markets`: events by ticker, in the order of their booking."""

    parlays: tuple[SoldParlay, ...]
    markets: Mapping[str, tuple[Event, ...]]
    ledger: tuple[LedgerLine, ...]
    positions_at_cost: Money
    """As the table of positions says."""
    wallets: Money
    """Winnings claimed less those paid out, as their own tables say."""
    exchange: ExchangeCash | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row of the report, in dollars; costs are positive.

    `payout`: owed or paid to the winner. `realized`: stakes of lost parlays, less payouts of won ones over
    their stakes, trading gains, fees and money given back. `open_exposure`: the payout that an open parlay
    may still cost. `open_positions`: contracts without a result, at cost.
    """

    stake: Money = Money.ZERO
    given_back: Money = Money.ZERO
    payment_fee: Money = Money.ZERO
    payment_fee_estimate: Money = Money.ZERO
    hedge_cost: Money = Money.ZERO
    exchange_fees: Money = Money.ZERO
    settlement: Money = Money.ZERO
    payout: Money = Money.ZERO
    realized: Money = Money.ZERO
    open_exposure: Money = Money.ZERO
    open_positions: Money = Money.ZERO

    def __add__(self, other: Figures) -> Figures:
        names = (field.name for field in fields(self))
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A parlay and its figures."""

    parlay: SoldParlay
    figures: Figures


@dataclass(frozen=True, slots=True)
class Check:
    """The same amount told by two sources; `difference` is what the first has more."""

    name: str
    first: Money
    second: Money

    @property
    def difference(self) -> Money:
        """Give first less second."""
        return self.first - self.second


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The rows, what belongs to no parlay, their total, and the checks over the whole books."""

    rows: tuple[Row, ...]
    others: Figures
    total: Figures
    checks: tuple[Check, ...]
    since: datetime | None = None

    @property
    def adds_up(self) -> bool:
        """Say whether no check has a difference."""
        return not any(check.difference for check in self.checks)


RECEIPTS = frozenset({"stake_received", "payment_parked"})
PARKED = frozenset({"payment_parked", "parked_payment_accepted"})
GIVEN_BACK = frozenset({"refund", "charged_back", "refund_failed"})
# What trading and its fees come to is worked out from executions, not taken from the ledger.
_TOLD_ONCE = INCOME_AND_EXPENSE - {Account.TRADING, Account.EXCHANGE_FEES}


def report(books: Books, *, since: datetime | None = None) -> Report:
    """Make the report; with `since` rows and total are of parlays accepted from then on, checks of all."""
    markets = tuple(market_book(events) for events in books.markets.values())
    ledger, trading = _lines_by_parlay(books.ledger), _trading_by_parlay(markets)
    every = tuple(
        Row(parlay=parlay, figures=_figures(parlay, ledger[parlay.id], trading[parlay.id]))
        for parlay in books.parlays
    )
    others = _others(books, ledger[None], trading[None], markets)
    whole = sum((row.figures for row in every), others)
    checks = _checks(books, markets, whole)
    if since is None:
        return Report(rows=every, others=others, total=whole, checks=checks)
    rows = tuple(row for row in every if row.parlay.accepted_at >= since)
    total = sum((row.figures for row in rows), Figures())
    return Report(rows=rows, others=Figures(), total=total, checks=checks, since=since)


def _lines_by_parlay(ledger: Iterable[LedgerLine]) -> dict[str | None, list[LedgerLine]]:
    lines: dict[str | None, list[LedgerLine]] = defaultdict(list)
    for line in ledger:
        lines[line.parlay_id].append(line)
    return lines


def _trading_by_parlay(markets: Iterable[MarketBook]) -> dict[str | None, Trading]:
    owners: dict[str | None, Trading] = defaultdict(Trading)
    for market in markets:
        for owner, share in market.owners.items():
            owners[owner] += share
    return owners


def _figures(parlay: SoldParlay, lines: Sequence[LedgerLine], trading: Trading) -> Figures:
    return _booked(lines, trading) + Figures(
        stake=parlay.stake,
        payment_fee_estimate=parlay.fee_estimate,
        payout=parlay.payout if parlay.state == ParlayState.WON else Money.ZERO,
        open_exposure=parlay.payout if parlay.state == ParlayState.OPEN else Money.ZERO,
    )


def _others(
    books: Books, lines: Sequence[LedgerLine], trading: Trading, markets: Sequence[MarketBook]
) -> Figures:
    """Add up what belongs to no parlay: parked payments, trades of others, pairs of two parlays."""
    parked = -_sum(books.ledger, {Account.SUSPENSE}, PARKED)
    netted = sum((market.netting for market in markets), trading)
    return _booked(lines, netted) + Figures(stake=parked)


def _booked(lines: Sequence[LedgerLine], trading: Trading) -> Figures:
    return Figures(
        given_back=-_sum(lines, {Account.STRIPE}, GIVEN_BACK),
        payment_fee=_sum(lines, {Account.STRIPE_FEES}),
        hedge_cost=trading.cost,
        exchange_fees=trading.fees,
        settlement=trading.received,
        realized=trading.gain - trading.fees - _sum(lines, _TOLD_ONCE),
        open_positions=trading.held,
    )


def _checks(books: Books, markets: Sequence[MarketBook], whole: Figures) -> tuple[Check, ...]:
    ledger = {account: _sum(books.ledger, {account}) for account in Account}
    whole_trading = sum((market.whole for market in markets), Trading())
    brought_in = sum((market.brought_in for market in markets), Money.ZERO)
    cash = whole_trading.received - (whole_trading.cost - brought_in) - whole_trading.fees
    income = -sum((ledger[account] for account in INCOME_AND_EXPENSE), Money.ZERO)
    checks = (
        Check("ledger sums to zero", _sum(books.ledger, set(Account)), Money.ZERO),
        Check("payments: report, ledger", whole.stake, _sum(books.ledger, {Account.STRIPE}, RECEIPTS)),
        Check("realized: report, ledger", whole.realized, income),
        Check("exchange cash: executions, ledger", cash, ledger[Account.EXCHANGE_CASH]),
        Check("exchange fees: executions, ledger", whole.exchange_fees, ledger[Account.EXCHANGE_FEES]),
        Check("positions at cost: executions, ledger", whole.open_positions, ledger[Account.POSITIONS]),
        Check("positions at cost: table, ledger", books.positions_at_cost, ledger[Account.POSITIONS]),
        Check("wallets: claims, ledger", books.wallets, -ledger[Account.WALLET]),
    )
    if books.exchange is None:
        return checks
    change = Check(
        "exchange cash: change there, ledger", books.exchange.change, ledger[Account.EXCHANGE_CASH]
    )
    return (*checks, change)


def _sum(
    lines: Iterable[LedgerLine], accounts: AbstractSet[Account], kinds: AbstractSet[str] | None = None
) -> Money:
    wanted = (line for line in lines if line.account in accounts and (kinds is None or line.kind in kinds))
    return sum((line.amount for line in wanted), Money.ZERO)
