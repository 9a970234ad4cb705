"""Why a payment waits, and what became of refunds."""

from __future__ import annotations

from hedge_service.failures.declare import Failure, failure

BY_ITSELF = "Nothing to do: it is refunded by itself."
DECIDE = "Decide with `hedge-service resolve-payment --refund` or `--accept`."

PARKED: tuple[Failure, ...] = (
    failure("unknown_session", "Money came for a session that this database does not know.", DECIDE),
    failure("amount_mismatch", "What was paid is not the quote's stake.", DECIDE),
    failure("currency_mismatch", "It was paid in another currency.", DECIDE),
    failure("wrong_stripe_mode", "The payment is of Stripe's other mode, test or live.", DECIDE),
    failure("quote_already_sold", "Another session has bought the quote.", BY_ITSELF),
    failure("paid_too_late", "The money came after the payment window.", BY_ITSELF),
    failure("market_over", "A leg's market was over.", "Nothing to do: a payment is refunded by itself."),
    failure("price_drift", "The price moved further than `max_price_drift` allows.", BY_ITSELF),
    failure(
        "money_went_back",
        "The money of the payment has gone back.",
        "Nothing to do: nothing was sold for it, or its parlay is void.",
    ),
    failure(
        "disputed",
        "The payer's bank disputes the payment.",
        "Answer the dispute in Stripe's dashboard; its claim waits for the end.",
    ),
    failure(
        "refunded_in_part",
        "A part of the payment was refunded at Stripe; the parlay stands.",
        DECIDE,
    ),
    failure(
        "refunded_after_result",
        "The payment was refunded after the parlay was decided.",
        DECIDE,
    ),
    failure(
        "refund_failed",
        "A refund was not made.",
        "At level `error` look at Stripe's balance and the payment; "
        "`resolve-payment --refund` asks again once the cause is gone.",
    ),
    failure(
        "no_payment_intent",
        "The payment names no payment intent, so it can't be refunded here.",
        "Refund it in Stripe's dashboard; the service learns of it.",
    ),
    failure(
        "failed_at_the_bank",
        "The payer's bank did not take the refund.",
        "Ask the payer for another way; `resolve-payment --refund` asks again.",
    ),
    failure("by_a_person", "An operator decided to give the money back.", "Nothing to do."),
    failure(
        "unhedged",
        "Nothing of the parlay could be bought and `on_unhedged` is `refund`.",
        BY_ITSELF,
    ),
)
