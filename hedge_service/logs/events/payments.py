"""Events of payments: what they became, refunds, disputes, winnings."""

from __future__ import annotations

from hedge_service.core.acceptance import ParkReason
from hedge_service.core.money_back import DisputeState
from hedge_service.logs.events.common import LEG, PARLAY, PAYOUT, REASON, SESSION, STAKE, TICKER
from hedge_service.logs.events.declare import (
    Event,
    Level,
    decimal,
    dollars,
    event,
    integer,
    maybe,
    nullable,
    text,
    word,
)
from hedge_service.logs.events.doors import EVENT_ID, QUOTE
from hedge_service.logs.events.service import LEFT

WARNING = (Level.WARNING,)
PARLAY_IF_ANY = nullable(text("parlay_id", "The parlay; null: it bought none"))
BACK = (
    integer("paid_cents", "What was paid", "cents"),
    integer("refunded_cents", "What was refunded of it", "cents"),
    integer("charged_back_cents", "What a payer's bank has taken of it", "cents"),
)
GONE = (SESSION, PARLAY_IF_ANY, *BACK)
DECIDED = (
    PARLAY,
    text("reason", "Why"),
    *maybe(SESSION, STAKE, PAYOUT, nullable(LEG), nullable(TICKER), *BACK),
)

EVENTS: tuple[Event, ...] = (
    event(
        "payment.confirmed",
        "A payment has become a parlay",
        PARLAY,
        SESSION,
        EVENT_ID,
        QUOTE,
        STAKE,
        PAYOUT,
        integer("legs_cleared", "How many saved bets it took"),
    ),
    event(
        "payment.parked",
        "A payment buys nothing, or something happened to its money: it waits for its refund or a person",
        SESSION,
        word("reason", "Why; see errors.md", ParkReason),
        *maybe(
            EVENT_ID,
            nullable(integer("amount_cents", "What was paid", "cents")),
            nullable(text("currency", "In what")),
            PARLAY_IF_ANY,
            *BACK,
        ),
        levels=(Level.ERROR,),
    ),
    event("payment.refunded", "All of a payment has gone back", *GONE),
    event("payment.charged_back", "All of a payment has gone back, some by the payer's bank", *GONE),
    event(
        "payment.fee_booked",
        "What Stripe kept of a payment is booked",
        SESSION,
        dollars("fee_dollars", "How much"),
    ),
    event(
        "payment.fee_unreadable",
        "What Stripe kept can't be told now; asked for again",
        SESSION,
        text("reason", "Why; see errors.md"),
        levels=WARNING,
    ),
    event("payment.fees_left", LEFT.format("asking for fees"), REASON, levels=WARNING),
    event(
        "refund.due",
        "Stripe is asked for a refund",
        SESSION,
        PARLAY_IF_ANY,
        integer("amount_cents", "How much is to go back", "cents"),
        text("reason", "Why it is due; see errors.md"),
    ),
    event("refund.made", "The whole payment has gone back", *GONE, text("refund_id", "Stripe's id of it")),
    event(
        "refund.failed",
        "A refund is not made now and asked for again; at `error` somebody should look",
        SESSION,
        PARLAY_IF_ANY,
        text("code", "Stripe's code or ours; see errors.md"),
        *maybe(
            integer("amount_cents", "How much is to go back", "cents"),
            integer("tries", "How often it was asked for"),
            decimal("wait_s", "Until it is asked for again", "s"),
            *BACK,
        ),
        levels=(Level.INFO, Level.ERROR),
    ),
    event("refund.dropped", "A refund is due no more: the money went back another way", *GONE),
    event("refund.left", LEFT.format("asking for refunds"), REASON, levels=WARNING),
    *(
        event(
            name,
            meaning,
            text("dispute_id", "Stripe's id of the dispute"),
            text("payment_intent", "Stripe's id of the payment"),
            integer("amount_cents", "How much it is about", "cents"),
            word("state", "How it stands", DisputeState),
            levels=(level,),
        )
        for name, meaning, level in (
            ("dispute.opened", "A payer's bank takes a payment back", Level.ERROR),
            ("dispute.closed", "It has decided", Level.INFO),
        )
    ),
    event("parlay.won", "Every leg has hit; the payout is owed", *DECIDED),
    event("parlay.lost", "A leg has missed", *DECIDED),
    event(
        "parlay.voided",
        "Neither won nor lost: a leg was void, the money went back, or nothing could be hedged",
        *DECIDED,
    ),
    event(
        "winnings.claimed",
        "A claim is credited",
        PARLAY,
        SESSION,
        dollars("amount_dollars", "How much"),
    ),
)
