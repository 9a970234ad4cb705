"""The books under random business events, told once, twice or late: they always balance and tell the truth.

Everything is booked by the product's own units of work on a real schema; the model beside it is plain sums.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import create_engine, event, func, select

from hedge_service.core.ledger import Account, stake_received, stripe_fee
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.parlay import Mode
from hedge_service.core.settlement import Ending, VoidRule
from hedge_service.core.venue import VenueFill
from hedge_service.flow import settling
from hedge_service.flow.accounts import _claim
from hedge_service.store import fills, ledger, parlays, payments, payouts, positions, results
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.store.payouts import Overdrawn, Payout
from hedge_service.store.results import MarketResult
from hedge_service.store.schema import ledger_postings, ledger_sets, metadata
from tests.store.parlay_samples import NOW, TICKERS, USER, put_parlay

if TYPE_CHECKING:
    from hedge_service.store.parlays import Parlay

DOLLAR = 1_000_000


def paid_for(parlay: Parlay) -> Payment:
    """Give the payment that every parlay has."""
    return Payment(
        session_id=parlay.session_id,
        quote_id=parlay.quote_id,
        event_id=f"evt_{parlay.session_id}",
        payment_intent=f"pi_{parlay.session_id}",
        amount_cents=parlay.stake.to_cents(),
        currency="usd",
        paid_at=NOW,
        state=PaymentState.ACCEPTED,
    )


ENDINGS = (
    Ending("yes", Price.of("1")),
    Ending("no", Price.of("0")),
    Ending("scalar", Price.of("0.50")),
)


@dataclass
class Traded:
    """What was bought of one market, by the model."""

    yes: int = 0
    no: int = 0
    paid: int = 0
    value: int | None = None

    @property
    def cash(self) -> int:
        """Micros that moved at the exchange: pairs pay a dollar at once, the rest at the settlement."""
        pairs = min(self.yes, self.no)
        left_yes, left_no = self.yes - pairs, self.no - pairs
        won = 0 if self.value is None else left_yes * self.value + left_no * (DOLLAR - self.value)
        return pairs * DOLLAR + won - self.paid


class Books(RuleBasedStateMachine):
    @initialize()
    def open_books(self) -> None:
        engine = create_engine("sqlite://", isolation_level=None)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        metadata.create_all(engine)
        self.tx = engine.connect()
        self.engine = engine
        self.sold = 0
        self.traded = {ticker: Traded() for ticker in TICKERS}
        self.told: list[VenueFill] = []
        self.fees = 0
        self.stakes = 0
        self.paid_out = 0

    def teardown(self) -> None:
        if hasattr(self, "tx"):
            self.tx.close()
            self.engine.dispose()

    @precondition(lambda self: self.sold < 4)
    @rule()
    def a_parlay_is_sold(self) -> None:
        self.sold += 1
        parlay = put_parlay(self.tx, self.sold, Mode.LIVE)
        payments.put(self.tx, paid_for(parlay), NOW)
        stake = stake_received(session_id=parlay.session_id, parlay_id=parlay.id, stake=parlay.stake)
        assert ledger.post(self.tx, stake, NOW)
        assert not ledger.post(self.tx, stake, NOW)
        self.stakes += parlay.stake.micros

    @rule(number=st.integers(1, 4), cents=st.integers(1, 90))
    def stripe_keeps_a_fee(self, number: int, cents: int) -> None:
        entry = stripe_fee(session_id=f"cs_test_{number}", parlay_id=None, fee=Money.cents(cents))
        ledger.post(self.tx, entry, NOW)

    @rule(
        ticker=st.sampled_from(TICKERS),
        side=st.sampled_from(BookSide),
        contracts=st.integers(1, 9),
        cents=st.integers(1, 99),
        fee=st.integers(0, 20_000),
    )
    def an_order_is_executed(self, ticker: str, side: BookSide, contracts: int, cents: int, fee: int) -> None:
        fill = VenueFill(
            trade_id=f"trade-{len(self.told)}",
            order_id="ord-1",
            ticker=ticker,
            side=side,
            count=Count.of(contracts),
            yes_price=Price(cents * 10_000),
            fee=Money(fee),
            is_taker=True,
            created_time=NOW,
            subaccount=0,
            exchange_index=0,
        )
        self.told.append(fill)
        assert fills.book(self.tx, fill, None, NOW)
        one = self.traded[ticker]
        if side.outcome is Side.YES:
            one.yes += contracts
        else:
            one.no += contracts
        one.paid += fill.cost.micros + fee

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def an_execution_is_told_again(self, data: st.DataObject) -> None:
        assert not fills.book(self.tx, data.draw(st.sampled_from(self.told)), None, NOW)

    @rule(ticker=st.sampled_from(TICKERS), ending=st.sampled_from(ENDINGS), rule=st.sampled_from(VoidRule))
    def a_market_is_settled(self, ticker: str, ending: Ending, rule: VoidRule) -> None:
        """Settle, or tell again; the first result stands."""
        result = MarketResult(ticker=ticker, ending=ending, settled_at=NOW)
        settling.settle(self.tx, result, rule, NOW)
        again = settling.settle(self.tx, replace(result, ending=ENDINGS[0]), rule, NOW)
        assert (again.legs, again.held, again.decided) == (0, None, ())
        if self.traded[ticker].value is None:
            self.traded[ticker].value = ending.value.micros

    @rule(number=st.integers(1, 4))
    def a_user_claims(self, number: int) -> None:
        parlay = parlays.by_session(self.tx, f"cs_test_{number}")
        if parlay is not None:
            won = parlay.state == "won" and parlay.claimed_at is None
            assert _claim(self.tx, parlay, NOW) is won

    @rule(reference=st.integers(1, 3), dollars=st.integers(1, 40))
    def winnings_are_paid_outside(self, reference: int, dollars: int) -> None:
        before = payouts.wallet(self.tx, USER)
        payout = Payout(reference=f"wire-{reference}", user_id=USER, amount=Money.of(dollars), actor="ann")
        try:
            with self.tx.begin_nested():
                self.paid_out += DOLLAR * dollars if payouts.record(self.tx, payout, NOW) else 0
        except Overdrawn:
            assert before < payout.amount

    @invariant()
    def every_set_balances_and_so_do_all_together(self) -> None:
        sums = select(func.sum(ledger_postings.c.micros)).group_by(ledger_postings.c.set_id)
        assert all(total == 0 for total in self.tx.execute(sums).scalars())
        assert sum(balance.micros for balance in self.balances().values()) == 0

    @invariant()
    def no_cause_is_booked_twice(self) -> None:
        causes = list(self.tx.execute(select(ledger_sets.c.cause)).scalars())
        assert len(causes) == len(set(causes))

    @invariant()
    def the_exchanges_cash_is_what_was_traded_and_settled(self) -> None:
        expected = sum(traded.cash for traded in self.traded.values())
        assert self.balances()[Account.EXCHANGE_CASH].micros == expected

    @invariant()
    def positions_match_the_executions_and_are_held_at_cost(self) -> None:
        held = positions.everything(self.tx)
        for ticker, traded in self.traded.items():
            position = held.get(ticker)
            net = 0 if traded.value is not None else 100 * (traded.yes - traded.no)
            signed = 0 if position is None else position.count.centis
            assert net == (signed if position is None or position.side is Side.YES else -signed)
        assert self.balances()[Account.POSITIONS].micros == sum(one.cost.micros for one in held.values())

    @invariant()
    def what_is_owed_is_open_stakes_unclaimed_payouts_and_stakes_to_be_given_back(self) -> None:
        owed, earned, wallet = 0, 0, -self.paid_out
        for parlay in parlays.of_user(self.tx, USER):
            stake, payout = parlay.stake.micros, parlay.payout.micros
            owed += {"lost": 0, "won": 0 if parlay.claimed_at else payout}.get(parlay.state, stake)
            earned += stake if parlay.state == "lost" else 0
            wallet += payout if parlay.claimed_at else 0
        balances = self.balances()
        assert -balances[Account.OWED].micros == owed
        assert -balances[Account.STAKES].micros == earned
        assert -balances[Account.WALLET].micros == wallet == payouts.wallet(self.tx, USER).micros

    def balances(self) -> dict[Account, Money]:
        return ledger.balances(self.tx)


def test_a_late_execution_is_booked_after_its_market_was_settled() -> None:
    """The machine reaches this by chance; here it is for certain."""
    books = Books()
    books.open_books()
    books.a_parlay_is_sold()
    books.a_market_is_settled(TICKERS[0], ENDINGS[0], VoidRule.REFUND)
    books.an_order_is_executed(TICKERS[0], BookSide.BID, 3, 40, 100)
    books.the_exchanges_cash_is_what_was_traded_and_settled()
    books.positions_match_the_executions_and_are_held_at_cost()
    assert results.get(books.tx, TICKERS[0]) is not None
    books.teardown()


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
