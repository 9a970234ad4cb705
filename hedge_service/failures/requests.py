"""Refusals of requests: what a caller of the extension's or the operators' doors may meet."""

from __future__ import annotations

from hedge_service.failures.declare import Failure, failure

QUOTE_AGAIN = "Nothing was charged. Ask for a new quote, and check out with it unchanged."
BETS_AGAIN = "Remove the bet and add it again from its market's page."
TAKE_ONE_AWAY = "Remove one of the legs that are named."

CALLS: tuple[Failure, ...] = (
    failure(
        "bad_request",
        "The request is malformed or breaks a rule; `error` names the field.",
        "Correct what `details` names and send it again.",
    ),
    failure(
        "malformed_request",
        "The bytes are not an HTTP request that can be read, or its first line is too long.",
        "Send a well-formed HTTP/1.1 request.",
    ),
    failure(
        "unsupported_body",
        "The body is of a type that this address does not take.",
        "Send `Content-Type: application/json` with a JSON object.",
    ),
    failure(
        "too_large",
        "The body is larger than this address takes.",
        "Send at most the bytes that `details` names.",
    ),
    failure(
        "request_entity_too_large",
        "The body is larger than the HTTP server takes.",
        "Send a smaller body.",
    ),
    failure(
        "too_many_requests",
        "This address or token asks too often, or a peer said so of us.",
        "Wait for the seconds in `Retry-After`; behind a proxy raise `quotes_per_minute_per_address`.",
    ),
    failure(
        "not_authenticated",
        "No operator's token came with the request, or a wrong one.",
        "Send `Authorization: Bearer` with a token of `HEDGE_OPS_TOKEN`, or log in on the page.",
    ),
    failure(
        "forbidden",
        "The host name, the origin or the session may not do this.",
        "Call the service by its own address (`public_url`) and not from another web page.",
    ),
    failure(
        "not_found",
        "What was asked for does not exist.",
        "Check the address and the id.",
    ),
    failure(
        "method_not_allowed",
        "The address exists and does not take this method.",
        "Use a method that the `Allow` header names.",
    ),
    failure(
        "conflict",
        "The request was fine, but not for what is true now; the sentence says what.",
        "Read the present state and decide again.",
    ),
    failure(
        "not_ready",
        "The service is starting, stopping, or has not read the exchange yet.",
        "Try again in a few seconds; `/ready` says what is missing.",
    ),
    failure(
        "internal_error",
        "A fault of the service; nothing in the request was wrong.",
        "Find the `request.failed` line of this `X-Request-Id` in the log and report its traceback.",
    ),
    failure(
        "store_unavailable",
        "The database is locked, full or gone; nothing was changed.",
        "Check disk space, permissions and other processes on the file; it is tried again by itself.",
    ),
)

QUOTES: tuple[Failure, ...] = (
    failure("unknown", "A leg is none of the saved bets.", BETS_AGAIN),
    failure("ambiguous", "A leg could be more than one saved bet.", BETS_AGAIN),
    failure("same_market_twice", "A market is in the parlay twice.", TAKE_ONE_AWAY),
    failure("both_sides_of_a_market", "Both outcomes of a market never win together.", TAKE_ONE_AWAY),
    failure("mixed_environments", "The bets are of the demo and the production exchange.", TAKE_ONE_AWAY),
    failure("mutually_exclusive", "At most one market of this event can end in YES.", TAKE_ONE_AWAY),
    failure("contradicting_thresholds", "No number meets the thresholds of all legs.", TAKE_ONE_AWAY),
    failure(
        "wrong_environment",
        "The bets are of another exchange than the one this service trades on.",
        "Add the bets again from the right exchange's pages, or set `[kalshi] environment`.",
    ),
    failure(
        "no_profit",
        "The offered payout is not more than the stake.",
        "Add a bet: the legs together are too likely.",
    ),
    failure(
        "below_minimum_edge",
        "The stake would not cover the costs and the least that the house keeps.",
        "Stake what `details` names, change the bets, or lower `minimum_edge`.",
    ),
    failure(
        "market_not_open",
        "A leg's market takes no orders now: paused, closed, or without a price.",
        "Choose another market, or try again when it trades; a paid order is given up.",
    ),
    failure(
        "open_payout_cap",
        "Too much would be owed if every open parlay won.",
        "Wait for parlays to settle or raise `max_open_payout_dollars`; a payment is refunded by itself.",
    ),
    failure(
        "market_exposure_cap",
        "Too much would be owed if one market ended one way.",
        "Stake less, wait for parlays on this market to settle, or raise `max_market_exposure_dollars`.",
    ),
    failure(
        "event_exposure_cap",
        "Too much would be owed on one event.",
        "Stake less, wait for parlays on this event to settle, or raise `max_event_exposure_dollars`.",
    ),
    failure(
        "day_exposure_cap",
        "Too much would be owed on what expires on one day.",
        "Stake less, choose markets of another day, or raise `max_day_exposure_dollars`.",
    ),
    failure(
        "halted",
        "Sending is halted, so nothing new is sold.",
        "Read the halt's reason in `hedge-service status`, clear it, and `hedge-service resume`.",
    ),
    failure(
        "exchange_paused",
        "The exchange takes no orders now: a pause or maintenance.",
        "Wait; orders under way wait as long as their time lasts.",
    ),
)

CHECKOUTS: tuple[Failure, ...] = (
    failure("quote_unknown", "The quote is none of this service's.", QUOTE_AGAIN),
    failure("quote_expired", "The quote is older than `quote_ttl_s`.", QUOTE_AGAIN),
    failure("quote_foreign", "The quote was made for another user.", QUOTE_AGAIN),
    failure("quote_edited", "What came back is not the quote that was sent.", QUOTE_AGAIN),
    failure("stake_mismatch", "The stake is not the quote's.", QUOTE_AGAIN),
    failure("bets_unknown", "A bet is none of the user's saved ones.", QUOTE_AGAIN),
    failure("bets_mismatch", "The bets are not the legs of the quote.", QUOTE_AGAIN),
    failure("checkout_closed", "The quote's only checkout has expired, failed or was closed.", QUOTE_AGAIN),
    failure("quote_paid", "The quote is paid already.", "Look for the parlay in the history."),
    failure(
        "payments_not_configured",
        "There is no Stripe key; nothing was charged.",
        "Set `STRIPE_API_KEY` and start the service again.",
    ),
    failure(
        "live_key_in_dry_run",
        "Stripe's key takes real money while no orders are sent; nothing was charged.",
        "Use a test key, or set `dry_run = false` after reading README's guide to going live.",
    ),
    failure(
        "no_secret",
        "The webhook is closed: there is no secret to verify Stripe's signature with.",
        "Set `STRIPE_WEBHOOK_SECRET` to the endpoint's `whsec_` secret; Stripe delivers again.",
    ),
    failure(
        "bad_signature",
        "The webhook's body is not proved to come from Stripe; `reason` in the log says why.",
        "Check that `STRIPE_WEBHOOK_SECRET` is this endpoint's, and that no proxy changes the body.",
    ),
    failure("missing", "The webhook came without a signature.", "Only Stripe should call it."),
    failure("malformed", "The signature header is not of Stripe's form.", "Check what calls the webhook."),
    failure("not_text", "The signed body is not text.", "Check that no proxy compresses or re-encodes it."),
    failure(
        "mismatch",
        "The signature was made with another secret or over other bytes.",
        "Compare `STRIPE_WEBHOOK_SECRET` with the endpoint's secret in Stripe's dashboard.",
    ),
    failure(
        "stale",
        "The signature is older than `webhook_tolerance_s`.",
        "Set this machine's clock by NTP; Stripe signs anew at each delivery.",
    ),
    failure("future", "The signature is from a time to come.", "Set this machine's clock by NTP."),
    failure(
        "bad_stripe_object",
        "What Stripe sent can't be read: a field is missing or of another type.",
        "Look at the event in Stripe's dashboard; `hedge-service replay` handles it anew after an upgrade.",
    ),
    failure(
        "claim_disputed",
        "The payer's bank disputes the payment of this parlay.",
        "Wait for the dispute's end; nothing is lost.",
    ),
    failure(
        "claim_parked",
        "The payment of this parlay waits for an operator.",
        "Decide with `hedge-service resolve-payment`; the claim is open again after `--accept`.",
    ),
)
