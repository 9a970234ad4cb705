"""Every set balances, netting conserves, positions never go negative."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core import ledger
from hedge_service.core.ledger import Account, BoughtFill, Posting, PostingSet, book_fill
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price

TICKER = "KXA-1-SEA"
MONEY = st.integers(1, 10**12).map(Money)
PRICES = st.integers(1, 9_999).map(lambda tick: Price(tick * 100))
FILLS = st.builds(
    BoughtFill,
    trade_id=st.uuids().map(str),
    ticker=st.just(TICKER),
    side=st.sampled_from(Side),
    count=st.integers(1, 100_000).map(Count),
    cost=st.just(Money.ZERO),
    fee=st.integers(0, 10**6).map(Money),
    parlay_id=st.none(),
)


@st.composite
def executions(draw: st.DrawFn) -> list[BoughtFill]:
    """Draw executions at prices of the exchange's finest grid."""
    drawn = draw(st.lists(st.tuples(FILLS, PRICES), max_size=30))
    return [replace(fill, cost=price.times(fill.count)) for fill, price in drawn]


def fill(side: Side, contracts: str, price: str, fee: str = "0") -> BoughtFill:
    count = Count.of(contracts)
    return BoughtFill(
        trade_id=f"{side}-{contracts}-{price}",
        ticker=TICKER,
        side=side,
        count=count,
        cost=Price.of(price).times(count),
        fee=Money.of(fee),
        parlay_id="parlay-1",
    )


def amounts(entry: PostingSet) -> dict[Account, str]:
    return {line.account: str(line_amount(line)) for line in entry.postings}


def line_amount(line: Posting) -> Money:
    return Money(line.micros)


def signed(side: Side, count: Count) -> int:
    return count.centis if side is Side.YES else -count.centis


def total(entries: list[PostingSet], account: Account) -> int:
    return sum(line.micros for entry in entries for line in entry.postings if line.account is account)


@given(MONEY, MONEY)
def test_every_business_event_balances(stake: Money, more: Money) -> None:
    payout = stake + more
    entries = (
        ledger.stake_received(session_id="cs", parlay_id="p", stake=stake),
        ledger.payment_parked(session_id="cs", amount=stake),
        ledger.parked_payment_accepted(session_id="cs", parlay_id="p", stake=stake),
        ledger.stripe_fee(session_id="cs", parlay_id=None, fee=stake),
        ledger.parlay_lost(parlay_id="p", stake=stake),
        ledger.parlay_won(parlay_id="p", stake=stake, payout=payout),
        ledger.claimed(parlay_id="p", payout=payout),
        ledger.paid_out(reference="r", amount=payout),
    )
    for entry in entries:
        assert sum(line.micros for line in entry.postings) == 0


def test_a_set_that_does_not_balance_can_not_be_made() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        PostingSet(cause="x", kind="x", postings=(Posting(Account.STRIPE, 1),))


def test_a_first_purchase_turns_cash_into_a_position_and_a_fee() -> None:
    entry, held = book_fill(None, fill(Side.YES, "3", "0.65", "0.0478"))
    assert amounts(entry) == {
        Account.POSITIONS: "1.95",
        Account.EXCHANGE_FEES: "0.047800",
        Account.EXCHANGE_CASH: "-1.997800",
    }
    assert held == ledger.Position(side=Side.YES, count=Count.of("3"), cost=Money.of("1.95"))


def test_opposite_contracts_net_at_once_for_a_dollar_a_pair() -> None:
    _, held = book_fill(None, fill(Side.YES, "3", "0.65"))
    entry, left = book_fill(held, fill(Side.NO, "2", "0.38", "0.01"))
    # Two pairs pay $2.00: $1.30 and $0.76 leave the books, $0.06 is lost, and the fee is paid.
    assert amounts(entry) == {
        Account.POSITIONS: "-1.30",
        Account.EXCHANGE_FEES: "0.01",
        Account.EXCHANGE_CASH: "1.23",
        Account.TRADING: "0.06",
    }
    assert left == ledger.Position(side=Side.YES, count=Count.of("1"), cost=Money.of("0.65"))


def test_more_of_the_other_side_turns_the_position_over() -> None:
    _, held = book_fill(None, fill(Side.YES, "1", "0.40"))
    _, turned = book_fill(held, fill(Side.NO, "3", "0.50"))
    assert turned == ledger.Position(side=Side.NO, count=Count.of("2"), cost=Money.of("1"))


def test_exactly_as_much_of_the_other_side_leaves_nothing() -> None:
    _, held = book_fill(None, fill(Side.NO, "1.5", "0.3333"))
    _, left = book_fill(held, fill(Side.YES, "1.5", "0.7"))
    assert left is None


@given(executions(), PRICES)
def test_books_of_any_executions_hold_together(fills: list[BoughtFill], value: Price) -> None:
    held: ledger.Position | None = None
    entries: list[PostingSet] = []
    for one in fills:
        entry, held = book_fill(held, one)
        entries.append(entry)
        assert sum(line.micros for line in entry.postings) == 0
        assert held is None or (held.count and held.cost >= Money.ZERO)
    net = sum(signed(one.side, one.count) for one in fills)
    assert net == (0 if held is None else signed(held.side, held.count))
    assert total(entries, Account.POSITIONS) == (0 if held is None else held.cost.micros)
    assert total(entries, Account.EXCHANGE_FEES) == sum(one.fee.micros for one in fills)
    if held is not None:
        paid = value if held.side is Side.YES else value.complement
        entries.append(ledger.market_settled(ticker=TICKER, held=held, value=paid))
    assert total(entries, Account.POSITIONS) == 0
    # Whatever netted on the way: in the end every contract has been paid what its side was worth.
    exact = sum(_worth(one, value) - 100 * (one.cost.micros + one.fee.micros) for one in fills)
    rounded_away = exact - 100 * total(entries, Account.EXCHANGE_CASH)
    assert 0 <= rounded_away < 100 * ledger.BALANCE_PRECISION.micros


def _worth(one: BoughtFill, value: Price) -> int:
    return (value if one.side is Side.YES else value.complement).micros * one.count.centis


def test_a_settlement_pays_the_exchanges_precision_rounded_down() -> None:
    held = ledger.Position(side=Side.YES, count=Count.of("1.5"), cost=Money.of("0.45"))
    entry = ledger.market_settled(ticker=TICKER, held=held, value=Price.of("0.3333"))
    assert amounts(entry) == {
        Account.EXCHANGE_CASH: "0.499900",
        Account.POSITIONS: "-0.45",
        Account.TRADING: "-0.049900",
    }


def test_a_worthless_settlement_moves_no_cash() -> None:
    held = ledger.Position(side=Side.NO, count=Count.of("2"), cost=Money.of("0.7"))
    entry = ledger.market_settled(ticker=TICKER, held=held, value=Price(0))
    assert amounts(entry) == {Account.POSITIONS: "-0.70", Account.TRADING: "0.70"}
