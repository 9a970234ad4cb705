"""Failures of other parties: the exchange, Stripe, the language model, and the way to them."""

from __future__ import annotations

from hedge_service.failures.declare import Failure, failure

LOOKED_UP = "Nothing to do: the service looks up what became of it, and sends no other id meanwhile."
ASKED_AGAIN = "Nothing to do: it is asked again by itself; look at the network if it goes on."

PEERS: tuple[Failure, ...] = (
    failure("peer_error", "Another party failed.", ASKED_AGAIN),
    failure("exchange_failed", "The exchange failed.", ASKED_AGAIN),
    failure(
        "exchange_unavailable",
        "The exchange can't be reached, or its answer can't be read; nothing was done there.",
        "Check the network and the exchange's status page; it is asked again by itself.",
    ),
    failure(
        "exchange_refused",
        "The exchange answered no; `refusal` and `message` are its own words.",
        "Check the key's rights and the account at the exchange; repeating it changes nothing.",
    ),
    failure("exchange_outcome_unknown", "The exchange has not confirmed a write.", LOOKED_UP),
    failure("payments_failed", "Stripe failed.", ASKED_AGAIN),
    failure("payments_paused", "Stripe takes no such request for now.", ASKED_AGAIN),
    failure(
        "payments_unavailable",
        "Stripe can't be asked, or there is no key; nothing was changed.",
        "Set `STRIPE_API_KEY` if it is missing, else check the network and Stripe's status page.",
    ),
    failure(
        "payments_refused",
        "Stripe answered no; `stripe_code` is its own code.",
        "Look the code up in Stripe's documentation; nothing was charged.",
    ),
    failure(
        "payments_outcome_unknown",
        "Stripe has not confirmed a write.",
        "Nothing to do: the same request is repeated with its idempotency key and counts once.",
    ),
    failure("model_failed", "The language model failed.", "Quotes go on without it."),
    failure("model_paused", "The language model takes no requests now.", "Quotes go on without it."),
    failure("model_unavailable", "The language model can't be reached.", "Quotes go on without it."),
    failure("model_refused", "The language model refused.", "Quotes go on without it."),
    failure("model_outcome_unknown", "The language model did not finish.", "Quotes go on without it."),
)

TRANSPORT: tuple[Failure, ...] = (
    failure(
        "timeout",
        "The answer did not come in time.",
        "An order is looked up by itself; if the model is meant, raise `[openai] timeout_s`.",
    ),
    failure("connect_failed", "No connection could be made; no byte was sent.", ASKED_AGAIN),
    failure("connection_lost", "The connection broke before the answer was whole.", LOOKED_UP),
    failure("reply_too_large", "The answer was larger than any true one.", LOOKED_UP),
    failure("endless_pages", "A list of the exchange never ended.", ASKED_AGAIN),
    failure("not_asked", "There was no time left to ask.", ASKED_AGAIN),
    failure("throttled", "The exchange said 429: not done, too many requests.", ASKED_AGAIN),
    failure("unreadable_markets", "The exchange's list of markets can't be read.", ASKED_AGAIN),
    failure(
        "header_timestamp_expired",
        "The exchange says that our clock is off; the order was not placed.",
        "Set this machine's clock by NTP; it is sent once more by itself.",
    ),
    failure("order_already_exists", "The exchange knows this order id: it is probably ours.", LOOKED_UP),
    failure("not_stored", "The process ended between sending and storing the outcome.", LOOKED_UP),
    failure("inherited", "Another sender left the order on the wire.", LOOKED_UP),
    failure("lease_over", "The lease ran out before the first byte: nothing was sent.", ASKED_AGAIN),
    failure(
        "trading_is_paused",
        "The exchange has paused trading and did not place the order.",
        "Wait for the exchange; what is left unhedged goes by `on_unhedged`.",
    ),
    failure(
        "fill_or_kill_insufficient_resting_volume",
        "There was not enough to fill the whole order at its limit, so none of it was.",
        "Nothing to do: it was certainly not placed.",
    ),
)

MODEL: tuple[Failure, ...] = (
    failure("disabled", "`[openai] enabled` is false.", "Set it if the model is wanted."),
    failure("no_key", "There is no `OPENAI_API_KEY`.", "Set it, or `[openai] enabled = false`."),
    failure(
        "over_budget",
        "The model was asked often enough today, or the hedge's cost is over its budget.",
        "Raise `model_calls_per_day` or the hedge's budget if that is too little.",
    ),
    failure("refusal", "The model refused to answer.", "Nothing to do: the quote goes on without it."),
    failure("incomplete", "The model's answer was cut off.", "Nothing to do, unless it is the rule."),
    failure("wrong_shape", "The model's answer is not of the form asked for.", "Try another model."),
    failure("unavailable", "The model can't be reached.", "Check the network and `[openai] base_url`."),
    failure("not_offered", "The model named a plan that was not offered.", "Nothing to do."),
    failure(
        "overruled",
        "The model's plan is worse than the default by the measure.",
        "Nothing to do: the default is bought.",
    ),
    failure("unknown_plan", "The model named a plan that does not exist.", "Nothing to do."),
    failure("unknown_leg", "The model told of a leg that does not exist.", "Nothing to do."),
    failure("same_leg", "The model correlated a leg with itself.", "Nothing to do."),
    failure("different_events", "The model correlated legs of different events.", "Nothing to do."),
    failure("clamped", "A correlation was outside 0 to 0.8 and was cut to it.", "Nothing to do."),
    failure("repeated", "The model told of a pair of legs twice; the first counts.", "Nothing to do."),
    failure("rejected", "The model's service rejected the request.", "Check the key and `[openai] model`."),
)
