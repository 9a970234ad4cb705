"""Events of the doors: HTTP requests, quotes, checkouts, webhooks, and the model's answers."""

from __future__ import annotations

from hedge_service.core.choice import ChosenBy
from hedge_service.logs.events.common import (
    CODE,
    CRASH,
    ERROR,
    PAYOUT,
    REASON,
    SESSION,
    STAKE,
)
from hedge_service.logs.events.declare import (
    Event,
    Level,
    boolean,
    decimal,
    digest_of,
    dollars,
    event,
    integer,
    maybe,
    moment,
    nullable,
    number,
    text,
    texts,
    word,
)

WARNING = (Level.WARNING,)
# The words of `Correlations` in wire.extension.quote, which stands above this package.
CORRELATIONS = ("independent", "structure", "model", "partly_model", "product")
QUOTE = text("quote_id", "The quote")
EVENT_ID = text("event_id", "Stripe's id of the event")
REFERENCE = text("reference", "Our reference of the checkout, which Stripe keeps with the session")
CHECKOUT = (
    QUOTE,
    REFERENCE,
    integer("amount_cents", "What is to be paid", "cents"),
    text("currency", "In what"),
    digest_of("user", "The user, as a digest"),
)
MODEL_LATENCY = integer("latency_ms", "How long the call took", "ms")

EVENTS: tuple[Event, ...] = (
    event(
        "request.handled",
        "Each HTTP request, once, with the code of a refusal",
        *maybe(
            text("method", "The HTTP method"),
            number("duration_ms", "From the request to its answer", "ms"),
            text("listener", "`ops` for the operators' listener; missing for the public one"),
            text("actor", "The name of the operator's token"),
        ),
        text("route", "The route's template; `unmatched` when there is none"),
        integer("status", "The answer's HTTP status"),
        *maybe(*ERROR),
    ),
    event(
        "request.failed",
        "A request ended in a 5xx; at `error` by a fault of ours or the database's",
        CODE,
        *(one for one in maybe(*ERROR) if one.name != "code"),
        *CRASH,
        levels=(Level.WARNING, Level.ERROR),
    ),
    event(
        "quote.created",
        "A quote is stored; at `warning` where the house expects a loss",
        QUOTE,
        texts("tickers", "The market of each leg"),
        STAKE,
        PAYOUT,
        decimal("probability", "The chance that every leg hits, as priced", "probability"),
        decimal("product", "The same if the legs were independent", "probability"),
        word("correlations", "Where the difference comes from", CORRELATIONS),
        text("strategy", "How it would be hedged"),
        word("chosen_by", "Who chose the strategy's plan", ChosenBy),
        dollars("edge_dollars", "The house's expected profit"),
        boolean("edge_negative", "Whether that is a loss"),
        *maybe(number("decision_ms", "Pricing, model and choice, once the exchange was read", "ms")),
        levels=(Level.INFO, Level.WARNING),
    ),
    event("checkout.created", "Stripe has opened the session of a quote", *CHECKOUT, SESSION),
    event("checkout.refused", "Stripe refused to open a session", *CHECKOUT, *ERROR, levels=WARNING),
    event(
        "session.expired",
        "An open checkout was closed at Stripe",
        REFERENCE,
        SESSION,
        word("reason", "Why", ("window_over", "halted", "market_closed")),
    ),
    event("session.not_expired", "That could not be done now", REFERENCE, *ERROR, levels=WARNING),
    event(
        "sessions.markets_unread",
        "The markets of open checkouts can't be read now; none is closed for its market",
        *ERROR,
        levels=WARNING,
    ),
    event(
        "webhook.received",
        "A verified event of Stripe is on disk",
        EVENT_ID,
        text("type", "Stripe's type of event"),
        boolean("new", "False: it was here before and changes nothing"),
    ),
    event(
        "webhook.rejected",
        "A request to the webhook is refused",
        *(one for one in ERROR if one.name != "reason"),
        text("reason", "Why the signature is refused, or the code"),
        levels=WARNING,
    ),
    event(
        "webhook.postponed",
        "An event waits: a peer that it needs can't be asked",
        EVENT_ID,
        CODE,
        integer("tries", "How often it was tried"),
        decimal("wait_s", "Until it is tried again", "s"),
        levels=WARNING,
    ),
    event(
        "webhook.unreadable",
        "A verified event can't be read; it stays in the inbox for a person",
        EVENT_ID,
        REASON,
        levels=(Level.ERROR,),
    ),
    event(
        "webhook.recovered",
        "A webhook that never came was found at Stripe",
        EVENT_ID,
        text("type", "Stripe's type of event"),
        integer("age_ms", "How old the event is", "ms"),
        levels=WARNING,
    ),
    event(
        "stripe.caught_up",
        "The search for missed webhooks is complete",
        moment("since", "From when on"),
        integer("recovered", "How many were missed"),
    ),
    event("stripe.not_caught_up", "That search failed; it is repeated", *ERROR, levels=WARNING),
    event(
        "advice.received",
        "The language model answered",
        text("model", "Which model"),
        integer("pairs", "How many pairs of legs it called correlated"),
        nullable(text("plan", "The plan it named; null: none")),
        MODEL_LATENCY,
    ),
    event(
        "advice.missed",
        "The model did not answer, or not usefully; the quote goes on without it",
        text("reason", "Why; see errors.md"),
        text("detail", "A status or the kind of failure; may be empty"),
        MODEL_LATENCY,
        levels=WARNING,
    ),
    event(
        "advice.refused",
        "The model named a plan that was not offered; the default is bought",
        QUOTE,
        nullable(text("plan", "What it named")),
        levels=WARNING,
    ),
    event(
        "advice.overruled",
        "The model's plan is worse by the measure, or earns too little; the default is bought",
        QUOTE,
        nullable(text("plan", "What it named")),
        text("default", "The plan that is bought"),
        text("measure", "What plans are compared by, `[hedging]`"),
        dollars("plan_dollars", "The named plan by the measure"),
        nullable(dollars("default_dollars", "The default by the measure")),
        word("reason", "Why; see errors.md", ChosenBy),
        levels=WARNING,
    ),
    event(
        "books.missed",
        "Order books can't be read now; the quote goes on with the markets' asks",
        text("reason", "Why; see errors.md"),
        texts("tickers", "Whose books"),
        levels=WARNING,
    ),
)
