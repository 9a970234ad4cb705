"""The report's figures against books made by the ledger's own rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core import ledger, ledger_back
from hedge_service.core.ledger import BoughtFill, Position, PostingSet, book_fill
from hedge_service.core.market import Side
from hedge_service.core.market_books import BroughtIn, Event, PaidOut, market_book
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.report import Books, ExchangeCash, LedgerLine, SoldParlay, report

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WON = Price.of(1)


def bought(
    parlay: str | None, side: Side, contracts: str, price: str, *, fee: str = "0.01", ticker: str = "KXA"
) -> BoughtFill:
    count = Count.of(contracts)
    return BoughtFill(
        trade_id=f"{parlay}-{side}-{contracts}-{price}-{ticker}",
        ticker=ticker,
        side=side,
        count=count,
        cost=Price.of(price).times(count),
        fee=Money.of(fee),
        parlay_id=parlay,
    )


def sold(
    name: str, *, state: str = "open", stake: str = "5", payout: str = "30", days: int = 0
) -> SoldParlay:
    return SoldParlay(
        id=name,
        accepted_at=NOW + timedelta(days=days),
        mode="live",
        state=state,
        hedge="executed",
        stake=Money.of(stake),
        payout=Money.of(payout),
    )


class Bookkeeper:
    """Books events as the service does and hands out what the report reads."""

    def __init__(self) -> None:
        self.sets: list[PostingSet] = []
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.held: dict[str, Position | None] = {}
        self.parlays: list[SoldParlay] = []

    def sell(self, parlay: SoldParlay, fee: str = "0.45") -> None:
        self.parlays.append(parlay)
        self.sets.append(ledger.stake_received(session_id=parlay.id, parlay_id=parlay.id, stake=parlay.stake))
        self.sets.append(ledger.stripe_fee(session_id=parlay.id, parlay_id=parlay.id, fee=Money.of(fee)))
        if parlay.state == "lost":
            self.sets.append(ledger.parlay_lost(parlay_id=parlay.id, stake=parlay.stake))
        if parlay.state == "won":
            won = ledger.parlay_won(parlay_id=parlay.id, stake=parlay.stake, payout=parlay.payout)
            self.sets.append(won)

    def fill(self, fill: BoughtFill) -> None:
        entry, self.held[fill.ticker] = book_fill(self.held.get(fill.ticker), fill)
        self.sets.append(entry)
        self.events[fill.ticker].append(fill)

    def settle(self, ticker: str, value: Price) -> None:
        held = self.held.get(ticker)
        if held is not None:
            paid = value if held.side is Side.YES else value.complement
            self.sets.append(ledger.market_settled(ticker=ticker, held=held, value=paid))
            self.events[ticker].append(PaidOut(value))
            self.held[ticker] = None

    def books(self) -> Books:
        lines = tuple(
            LedgerLine(
                parlay_id=entry.parlay_id, kind=entry.kind, account=line.account, amount=Money(line.micros)
            )
            for entry in self.sets
            for line in entry.postings
        )
        costs = (held.cost for held in self.held.values() if held is not None)
        return Books(
            parlays=tuple(self.parlays),
            markets={ticker: tuple(events) for ticker, events in self.events.items()},
            ledger=lines,
            positions_at_cost=sum(costs, Money.ZERO),
            wallets=Money.ZERO,
        )


def test_a_lost_parlay_earns_its_stake_less_fees_plus_what_the_hedge_gained() -> None:
    books = Bookkeeper()
    books.sell(sold("a", state="lost"))
    books.fill(bought("a", Side.YES, "3", "0.65", fee="0.05"))
    books.settle("KXA", WON)
    made = report(books.books())
    [row] = made.rows
    assert made.adds_up
    assert str(row.figures.settlement) == "3.00"
    assert str(row.figures.realized) == "5.55"  # 5.00 - 0.45 + (3.00 - 1.95) - 0.05
    assert made.total == row.figures


def test_a_won_parlay_costs_its_payout_over_the_stake() -> None:
    books = Bookkeeper()
    books.sell(sold("a", state="won"))
    books.fill(bought("a", Side.YES, "3", "0.65", fee="0.05"))
    books.settle("KXA", WON)
    [row] = report(books.books()).rows
    assert str(row.figures.payout) == "30.00"
    assert str(row.figures.realized) == "-24.45"  # 5 - 30 - 0.45 + 1.05 - 0.05


def test_an_open_parlay_shows_its_payout_as_exposure_and_its_hedge_at_cost() -> None:
    books = Bookkeeper()
    books.sell(sold("a"))
    books.fill(bought("a", Side.YES, "3", "0.65", fee="0.05"))
    [row] = report(books.books()).rows
    assert str(row.figures.open_exposure) == "30.00"
    assert str(row.figures.open_positions) == "1.95"
    assert str(row.figures.realized) == "-0.50"  # both fees; the stake is not earned yet
    assert row.figures.settlement == Money.ZERO


def test_opposite_hedges_of_two_parlays_are_each_paid_what_their_side_was_worth() -> None:
    books = Bookkeeper()
    books.sell(sold("yes"))
    books.sell(sold("no"))
    books.fill(bought("yes", Side.YES, "3", "0.65"))
    books.fill(bought("no", Side.NO, "2", "0.37"))
    before = report(books.books())
    assert before.adds_up
    assert str(before.others.settlement) == "2.00"  # two pairs, nobody's until the result is known
    books.settle("KXA", WON)
    after = report(books.books())
    figures = {row.parlay.id: str(row.figures.settlement) for row in after.rows}
    assert (figures, after.others.settlement) == ({"yes": "3.00", "no": "0.00"}, Money.ZERO)
    assert after.adds_up


def test_a_hedge_sold_again_belongs_to_its_parlay_at_once() -> None:
    books = Bookkeeper()
    books.sell(sold("a", state="void"))
    books.fill(bought("a", Side.YES, "3", "0.65", fee="0"))
    books.fill(bought("a", Side.NO, "3", "0.37", fee="0"))
    [row] = report(books.books()).rows
    assert str(row.figures.settlement) == "3.00"
    assert str(row.figures.realized) == "-0.51"  # 3.00 - 1.95 - 1.11 - 0.45


def test_trades_of_others_and_parked_payments_stand_apart() -> None:
    books = Bookkeeper()
    books.sell(sold("a"))
    books.sets.append(ledger.payment_parked(session_id="cs", amount=Money.of(7)))
    source = ledger_back.Source(parlay_id=None, amount=Money.of(7), loss=Money.ZERO)
    books.sets.append(ledger_back.refund(refund_id="re", source=source))
    books.fill(bought(None, Side.YES, "1", "0.40", fee="0.02"))
    made = report(books.books())
    assert made.adds_up
    assert str(made.others.stake) == str(made.others.given_back) == "7.00"
    assert str(made.others.hedge_cost) == "0.40"
    assert str(made.total.exchange_fees) == "0.02"


def test_a_position_from_before_the_books_is_no_cash_of_theirs() -> None:
    books = Bookkeeper()
    held = Position(side=Side.YES, count=Count.of(2), cost=Money.of("0.8"))
    books.sets.append(ledger.books_opened(ticker="KXA", held=held))
    books.events["KXA"].append(BroughtIn(held))
    books.held["KXA"] = held
    books.settle("KXA", WON)
    made = report(books.books())
    assert made.adds_up
    assert str(made.others.realized) == "1.20"


def test_since_shows_younger_parlays_only_and_checks_everything() -> None:
    books = Bookkeeper()
    books.sell(sold("old"))
    books.sell(sold("new", days=2))
    made = report(books.books(), since=NOW + timedelta(days=1))
    assert [row.parlay.id for row in made.rows] == ["new"]
    assert str(made.total.stake) == "5.00"
    assert made.adds_up


def test_an_execution_that_the_ledger_lacks_is_a_difference_with_its_amount() -> None:
    books = Bookkeeper()
    books.sell(sold("a"))
    books.fill(bought("a", Side.YES, "3", "0.65", fee="0.05"))
    books.sets.pop()
    made = report(books.books())
    differences = {check.name: str(check.difference) for check in made.checks if check.difference}
    assert differences["exchange cash: executions, ledger"] == "-2.00"
    assert differences["exchange fees: executions, ledger"] == "0.05"
    assert not made.adds_up


def test_cash_held_back_for_resting_orders_is_no_difference_and_a_withdrawal_is_one() -> None:
    books = Bookkeeper()
    books.fill(bought(None, Side.YES, "1", "0.40", fee="0.02"))
    cash = ExchangeCash(opening=Money.of(100), now=Money.of("98.58"), resting=Money.of(1))
    assert report(replace(books.books(), exchange=cash)).adds_up
    drawn = replace(cash, now=Money.of("88.58"))
    [check] = [one for one in report(replace(books.books(), exchange=drawn)).checks if one.difference]
    assert (check.name, str(check.difference)) == ("exchange cash: change there, ledger", "-10.00")


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from(Side),
        st.integers(1, 5_000),
        st.integers(1, 9_999),
        st.sampled_from(["KXA", "KXB"]),
    ),
    max_size=25,
)


@given(FILLS, st.one_of(st.none(), st.integers(0, 10_000)), FILLS)
def test_any_executions_and_results_add_up(
    first: list[tuple[str | None, Side, int, int, str]],
    tick: int | None,
    late: list[tuple[str | None, Side, int, int, str]],
) -> None:
    books = Bookkeeper()
    for name in ("a", "b"):
        books.sell(sold(name))
    for number, (parlay, side, centis, price, ticker) in enumerate([*first, *late]):
        if tick is not None and number == len(first):
            books.settle("KXA", Price(tick * 100))
        count = Count(centis)
        cost = Price(price * 100).times(count)
        base = bought(parlay, side, "1", "0.5", ticker=ticker)
        books.fill(replace(base, trade_id=str(number), count=count, cost=cost))
        if tick is not None and number >= len(first):
            books.settle("KXA", Price(tick * 100))
    made = report(books.books())
    assert made.adds_up, made.checks
    assert made.total == sum((row.figures for row in made.rows), made.others)


def test_owners_shares_and_netting_make_up_the_whole() -> None:
    book = market_book([bought("a", Side.YES, "3", "0.65"), bought("b", Side.NO, "5", "0.4")])
    assert str(book.whole.received) == "3.00"
    assert sum((share.received for share in book.owners.values()), Money.ZERO) == Money.ZERO
    assert book.netting.received == book.whole.received
    assert book.netting.gain == book.whole.gain - sum(
        (share.gain for share in book.owners.values()), Money.ZERO
    )
