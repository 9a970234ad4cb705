"""Money that goes back: rulings from facts alone, waits, drift, caps, and posting sets that balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core import ledger_back
from hedge_service.core.acceptance import ParkReason, SaleRules, refusal
from hedge_service.core.ids import missed_event_id, refund_key
from hedge_service.core.ledger import Account, Posting
from hedge_service.core.ledger_back import Source
from hedge_service.core.market import Grid, Market, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.money_back import (
    GOES_BACK,
    Dispute,
    DisputeState,
    Gone,
    Ruling,
    StripeRefund,
    gone,
    ruling,
    wait_before_next,
)
from hedge_service.core.parlay import Bet, Quote, QuoteLeg
from hedge_service.core.settlement import ParlayState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TICKER = "KXA-1-SEA"
OPEN, W, L, V = ParlayState.OPEN, ParlayState.WON, ParlayState.LOST, ParlayState.VOID
R = Ruling


@pytest.mark.parametrize(
    ("refunded", "charged_back", "state", "claimed", "expected"),
    [
        (0, 0, OPEN, False, R.STANDS),
        (500, 0, None, False, R.CLOSED),
        (200, 0, None, False, R.STANDS),
        (500, 0, OPEN, False, R.VOID),
        (0, 500, OPEN, False, R.VOID),
        (200, 300, OPEN, False, R.VOID),
        (499, 0, OPEN, False, R.PERSON),
        (0, 200, OPEN, False, R.PERSON),
        (500, 0, V, False, R.CLOSED),
        (200, 0, V, False, R.STANDS),
        (500, 0, W, False, R.PERSON),
        (500, 0, L, False, R.PERSON),
        (200, 0, L, False, R.PERSON),
        (0, 500, W, False, R.VOID),
        (0, 500, W, True, R.CLOSED),
        (0, 500, L, False, R.CLOSED),
        (200, 300, W, False, R.PERSON),
    ],
)
def test_what_money_gone_back_means(
    refunded: int, charged_back: int, state: ParlayState | None, expected: Ruling, *, claimed: bool
) -> None:
    back = Gone(refunded_cents=refunded, charged_back_cents=charged_back)
    assert ruling(back, paid_cents=500, state=state, claimed=claimed) is expected


def test_only_what_is_really_gone_counts() -> None:
    refunds = (
        StripeRefund(id="re_1", amount_cents=200),
        StripeRefund(id="re_2", amount_cents=5, came_back=True),
    )
    disputes = tuple(
        Dispute(id=f"dp_{state}", payment_intent="pi_1", amount_cents=70, state=state)
        for state in DisputeState
    )
    assert gone(refunds, disputes) == Gone(refunded_cents=200, charged_back_cents=70)


def test_reasons_that_need_a_person_never_send_money_back() -> None:
    person = {
        ParkReason.UNKNOWN_SESSION,
        ParkReason.AMOUNT_MISMATCH,
        ParkReason.CURRENCY_MISMATCH,
        ParkReason.WRONG_STRIPE_MODE,
        ParkReason.MONEY_WENT_BACK,
        ParkReason.DISPUTED,
        ParkReason.REFUNDED_IN_PART,
        ParkReason.REFUNDED_AFTER_RESULT,
        ParkReason.REFUND_FAILED,
    }
    assert set(ParkReason) == GOES_BACK | person
    assert not GOES_BACK & person


def test_refusals_wait_longer_than_failures_and_no_wait_grows_for_ever() -> None:
    failures = [wait_before_next(tries, refused=False) for tries in range(40)]
    refusals = [wait_before_next(tries, refused=True) for tries in range(40)]
    assert failures[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert (failures[-1], refusals[-1]) == (timedelta(minutes=5), timedelta(hours=6))
    assert all(longer > wait for wait, longer in zip(failures, refusals, strict=True))
    assert sorted(refusals) == refusals


def test_the_key_of_a_refund_is_the_same_only_for_the_same_refund() -> None:
    keys = [refund_key(*of) for of in (("cs_1", 500, 0), ("cs_1", 300, 0), ("cs_1", 500, 1), ("cs_15", 0, 0))]
    assert len(set(keys)) == 4
    assert refund_key("cs_1", 500, 0) == keys[0]
    assert "cs_1" not in missed_event_id("cs_1")


amounts = st.integers(0, 10**9).map(Money)


@given(amount=amounts, loss=amounts, payout=amounts, parked=st.booleans())
def test_every_set_balances(amount: Money, loss: Money, payout: Money, *, parked: bool) -> None:
    source = Source(parlay_id=None if parked else "par_1", amount=amount, loss=min(amount, loss))
    gone_set = ledger_back.refund(refund_id="re_1", source=source)
    undone = ledger_back.came_back(refund_id="re_1", parlay_id=None, booked=gone_set.postings)
    ledger_back.charged_back(dispute_id="dp_1", source=source)
    ledger_back.loss_covered(parlay_id="par_1", amount=amount)
    ledger_back.win_undone(parlay_id="par_1", stake=amount, payout=payout)
    ledger_back.dispute_fee(transaction_id="txn_1", parlay_id=None, fee=amount)
    both = (*gone_set.postings, *undone.postings)
    assert {account: _sum(both, account) for account in Account} == dict.fromkeys(Account, 0)


def _sum(lines: tuple[Posting, ...], account: Account) -> int:
    return sum(line.micros for line in lines if line.account is account)


MARKET = Market(
    ticker=TICKER,
    event_ticker="KXA-1",
    market_type="binary",
    status=MarketStatus.ACTIVE,
    title="",
    yes_sub_title="",
    no_sub_title="",
    close_time=NOW + timedelta(days=1),
    yes_ask=Price.of("0.65"),
    no_ask=Price.of("0.37"),
    grid=Grid(),
    exchange_index=0,
    result="",
    settlement_value=None,
)
RULES = SaleRules(max_drift=Decimal("0.10"), open_payout=Money.of(100))


def quote(side: Side = Side.YES, ask: str = "0.65") -> Quote:
    bet = Bet(
        id=1,
        user_id="user_1",
        market_id="m",
        market_title="m",
        market_url="u",
        image_url=None,
        option_id="o",
        option_label="o",
        prob=Decimal(50),
        ticker=TICKER,
        event_ticker="KXA-1",
        side=side,
        environment="demo",
    )
    leg = QuoteLeg(
        leg=1, bet=bet, ask=Price.of(ask), amount=Money.ZERO, contracts=Count.ZERO, skip="below_band"
    )
    return Quote(
        id="quote-1",
        fingerprint="f",
        user_id="user_1",
        environment="demo",
        stake=Money.of(5),
        payout=Money.of(30),
        probability=Decimal("0.5"),
        product=Decimal("0.5"),
        strategy="bands",
        created_at=NOW,
        expires_at=NOW,
        legs=(leg,),
        body={},
        advice={},
    )


@pytest.mark.parametrize(
    ("ask", "refused"), [("0.75", None), ("0.7501", ParkReason.PRICE_DRIFT), ("0.01", None), (None, None)]
)
def test_a_leg_may_rise_by_the_drift_and_fall_by_anything(
    ask: str | None, refused: ParkReason | None
) -> None:
    market = replace(MARKET, yes_ask=None if ask is None else Price.of(ask))
    assert refusal(quote(), {TICKER: market}, owed=Money.ZERO, rules=RULES) is refused


def test_the_drift_is_that_of_the_side_that_was_bought() -> None:
    market = replace(MARKET, no_ask=Price.of("0.60"))
    assert refusal(quote(), {TICKER: market}, owed=Money.ZERO, rules=RULES) is None
    no = quote(Side.NO, "0.37")
    assert refusal(no, {TICKER: market}, owed=Money.ZERO, rules=RULES) is ParkReason.PRICE_DRIFT


@pytest.mark.parametrize(("owed", "refused"), [("70", None), ("70.000001", ParkReason.OPEN_PAYOUT_CAP)])
def test_a_payout_must_fit_under_the_cap_with_what_is_owed(owed: str, refused: ParkReason | None) -> None:
    assert refusal(quote(), {TICKER: MARKET}, owed=Money.of(owed), rules=RULES) is refused
