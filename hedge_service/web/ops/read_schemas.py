"""The named things that this interface tells of."""

from __future__ import annotations

from hedge_service.config import Environment, Mode
from hedge_service.core.ledger import Account
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money_back import RefundState
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.core.parlay import HedgeOutcome
from hedge_service.core.parlay import Mode as ParlayMode
from hedge_service.core.reconcile_views import Result
from hedge_service.core.settlement import ParlayState
from hedge_service.store.overview import OPEN_STATES
from hedge_service.store.payments import PaymentState
from hedge_service.web.ops.act_schemas import DIFFERENCE_FIELDS
from hedge_service.web.ops.profit import Period
from hedge_service.web.ops.schemas import (
    Schema,
    anything,
    by_name,
    count,
    flag,
    items,
    maybe,
    moment,
    money,
    one_of,
    price,
    record,
    ref,
    seconds,
    text,
    whole,
)

WAITING = record(count=whole(), oldest_age_s=maybe(seconds()))
STATUS = record(
    mode=one_of(tuple(mode.value for mode in Mode)),
    environment=one_of(tuple(one.value for one in Environment)),
    account=text(),
    halted=flag(),
    halt=maybe(record(reason=text(), at=moment(), by=text())),
    sender=maybe(
        record(
            holder=text(),
            epoch=whole(),
            live=flag(),
            expires_in_s=seconds(),
            reconciled_at=maybe(moment()),
        )
    ),
    parlays=by_name(whole(), "How many, by state"),
    orders=record(**{state.value: WAITING for state in OPEN_STATES}),
    inbox=WAITING,
    parked_payments=whole(),
    refunds_unmade=WAITING,
    open_disputes=WAITING,
    day=record(reserved_dollars=money(), cap_dollars=money()),
    open_payout=record(dollars=money(), cap_dollars=money()),
    reconciliation=maybe(
        record(at=moment(), age_s=seconds(), result=one_of(Result), differences=items(ref("Difference")))
    ),
)
PARLAY_FIELDS: dict[str, Schema] = {
    "parlay_id": text(),
    "session": text("Digest of the checkout session"),
    "user": text("Digest of the user"),
    "quote_id": text(),
    "environment": text(),
    "mode": one_of(ParlayMode),
    "state": one_of(ParlayState),
    "hedge": maybe(one_of(HedgeOutcome)),
    "stake_dollars": money(),
    "payout_dollars": money(),
    "accepted_at": moment(),
    "claimed_at": maybe(moment()),
}
INTENT_FIELDS: dict[str, Schema] = {
    "intent_id": text(),
    "parlay_id": text(),
    "leg": whole(),
    "purpose": one_of(Purpose),
    "sequence": whole(),
    "ticker": text(),
    "side": one_of(BookSide),
    "count": count(),
    "price": price("The YES price"),
    "max_cost_dollars": money(),
    "time_in_force": one_of(TimeInForce),
    "reduce_only": flag(),
    "created_at": moment(),
    "expires_at": moment(),
    "ended_at": maybe(moment()),
    "end_reason": maybe(text()),
}
ATTEMPT = record(
    client_order_id=text(),
    number=whole(),
    state=one_of(AttemptState),
    count=count(),
    filled=count(),
    cost_dollars=money(),
    fees_dollars=money(),
    sends=whole(),
    in_doubt=flag("Some copy is not proved unsent"),
    code=maybe(text()),
    order_id=maybe(text("The exchange's id")),
    body=text("What is sent, to the byte"),
    planned_at=moment(),
    first_sent_at=maybe(moment()),
    last_sent_at=maybe(moment()),
    ended_at=maybe(moment()),
    events=items(
        record(
            at=moment(),
            event=text(),
            old_state=maybe(one_of(AttemptState)),
            new_state=one_of(AttemptState),
            evidence=anything("What it rests on"),
        )
    ),
    events_left_out=whole("Older events that are not shown"),
)
LEG_FIELDS: dict[str, Schema] = {
    "leg": whole(),
    "ticker": text(),
    "side": one_of(Side),
    "title": text(),
    "option": text(),
}
QUOTE = record(
    quote_id=text(),
    strategy=text(),
    probability=text("The joint probability that the price was made from"),
    product=text("The naive product"),
    stake_dollars=money(),
    payout_dollars=money(),
    created_at=moment(),
    expires_at=moment(),
    legs=items(
        record(**LEG_FIELDS, ask=price(), hedge_dollars=money(), contracts=count(), skip=maybe(text()))
    ),
    body=anything("The quote as it was sent"),
    advice=anything("The record of the model's part, and of the strategy's choice"),
)
REFUND = record(
    state=one_of(RefundState),
    amount_cents=whole(),
    reason=text(),
    failure=maybe(text("Why Stripe has refused it")),
    due_at=moment(),
    tries=whole(),
)
PAID_FIELDS: dict[str, Schema] = {
    "event": text(),
    "payment_intent": maybe(text()),
    "amount_cents": whole(),
    "currency": text(),
    "paid_at": moment(),
    "state": one_of(PaymentState),
    "reason": maybe(text("Why it bought nothing")),
}
LEG = record(
    **LEG_FIELDS,
    skip=maybe(text("Why it was not hedged")),
    market_status=maybe(text()),
    paid=maybe(price("What a contract of the leg's side paid; null until settled")),
    checked_at=maybe(moment()),
    settled_at=maybe(moment()),
)
FILL = record(
    trade_id=text(),
    client_order_id=maybe(text()),
    order_id=text(),
    ticker=text(),
    side=one_of(Side),
    count=count(),
    price=price("The YES price"),
    cost_dollars=money(),
    fee_dollars=money(),
    filled_at=moment(),
    seen_at=moment(),
    reversed_at=maybe(moment()),
)
BOOKED = record(
    at=moment(),
    kind=text(),
    cause=text("The event's unique key"),
    ticker=maybe(text()),
    postings=items(record(account=one_of(Account), dollars=money("Debits positive"))),
)
DRILLED = record(
    parlay=record(**PARLAY_FIELDS, unhedged=maybe(text("What was decided about what was not bought"))),
    quote=maybe(ref("Quote")),
    payment=maybe(record(**PAID_FIELDS)),
    refund=maybe(ref("Refund")),
    legs=items(ref("Leg")),
    intents=items(record(**INTENT_FIELDS, attempts=items(ref("Attempt")))),
    fills=items(ref("Fill")),
    ledger=items(ref("LedgerSet"), "Posting sets; each adds up to zero"),
    summary=maybe(record(revision=whole(), made_at=moment(), figures=anything("The hedge's figures"))),
)
INBOX_EVENT = record(
    event=text("Its id at its source"),
    source=text(),
    type=text(),
    created_at=moment(),
    received_at=moment(),
    handled_at=maybe(moment()),
    lag_s=seconds("From its arrival until it was handled, or until now"),
    failed=flag(),
    result=maybe(text()),
    tries=whole(),
    next_try_at=maybe(moment()),
)
FIGURE_NAMES = (
    *("stake", "given_back", "payment_fee", "payment_fee_estimate", "hedge_cost", "exchange_fees"),
    *("settlement", "payout", "realized", "open_exposure", "open_positions"),
)
FIGURES: dict[str, Schema] = {name: money() for name in FIGURE_NAMES}
REPORT = record(
    since=maybe(moment()),
    parlays=items(
        record(
            parlay_id=text(),
            accepted_at=moment(),
            mode=one_of(ParlayMode),
            state=one_of(ParlayState),
            hedge=maybe(one_of(HedgeOutcome)),
            **FIGURES,
        ),
        "The newest parlays; the total is of all",
    ),
    parlays_left_out=whole(),
    others=record(**FIGURES),
    total=record(**FIGURES),
    checks=items(record(name=text(), first=money(), second=money(), difference=money())),
    adds_up=flag("No check has a difference"),
)
PROFIT = record(
    period=one_of(Period),
    since=moment(),
    before_dollars=money("Realized before the first step"),
    total_dollars=money("By when it was booked"),
    steps=items(record(begins_at=moment(), dollars=money()), "Oldest first; the last one is still running"),
    strategies=items(
        record(strategy=text(), parlays=whole(), **FIGURES), "Of the parlays accepted in the period"
    ),
)
CLAIMS = record(
    cap_dollars=money(),
    items=items(record(name=text(), dollars=money()), "The largest first"),
    left_out=whole("Smaller ones that are not listed"),
)
EXPOSURE = record(as_of=moment(), markets=ref("Claims"), events=ref("Claims"), days=ref("Claims"))
BUCKETS = record(
    tier=text("The exchange's usage tier"),
    buckets=items(
        record(
            name=text(),
            tokens_left=whole(),
            capacity=whole(),
            refill_per_s=whole(),
            waiting=whole("Callers that wait for tokens"),
        )
    ),
)
RECONCILED = record(
    id=whole(),
    at=moment(),
    result=one_of(Result),
    differences=items(record(**DIFFERENCE_FIELDS, mismatch=flag())),
)
ACTED = record(
    id=whole(),
    at=moment(),
    by=text(),
    action=text(),
    subject=text(),
    reason=text(),
    details=anything("What else is kept of it"),
)
ERROR = record(
    error=text("What happened"),
    details=text("What to do"),
    code=text("A name that does not change"),
    docs=text("Where the code is explained"),
)
SCHEMAS: dict[str, Schema] = {
    "Status": STATUS,
    "Difference": record(**DIFFERENCE_FIELDS),
    "Parlay": record(**PARLAY_FIELDS),
    "ParlayDetails": DRILLED,
    "Quote": QUOTE,
    "Refund": REFUND,
    "Leg": LEG,
    "Intent": record(**INTENT_FIELDS),
    "Attempt": ATTEMPT,
    "Fill": FILL,
    "LedgerSet": BOOKED,
    "Order": record(age_s=seconds(), intent=ref("Intent"), attempt=ref("Attempt")),
    "InboxEvent": INBOX_EVENT,
    "ParkedPayment": record(
        **PAID_FIELDS, session=text(), quote_id=maybe(text()), refund=maybe(ref("Refund"))
    ),
    "Report": REPORT,
    "Reconciliation": RECONCILED,
    "Profit": PROFIT,
    "Claims": CLAIMS,
    "Exposure": EXPOSURE,
    "Buckets": BUCKETS,
    "AuditEntry": ACTED,
    "Error": ERROR,
}
