"""Fields that many events share, each with one meaning."""

from __future__ import annotations

from hedge_service.core.market import BookSide
from hedge_service.core.orders import AttemptState, Purpose
from hedge_service.errors import Fault, Peer
from hedge_service.logs.events.declare import (
    Field,
    Level,
    contracts,
    digest_of,
    dollars,
    integer,
    maybe,
    moment,
    nullable,
    price,
    text,
    word,
)

HEAD: tuple[Field, ...] = (
    moment("timestamp", "When the event was told"),
    word("level", "How much it matters; `error` and `critical` want a person", Level),
    text("event", "The event's name"),
)
EVERYWHERE: tuple[Field, ...] = maybe(
    text("request_id", "The HTTP request it was told in, as in the answer's `X-Request-Id`"),
    text("docs", "Where this failure is explained; at level `error` and `critical`"),
)
PARLAY = text("parlay_id", "The parlay")
SESSION = digest_of("session", "The Stripe session, as a digest")
TICKER = text("ticker", "The market")
LEG = integer("leg", "The leg, counted from 1")
CODE = text("code", "What went wrong; see errors.md")
REASON = text("reason", "Why, in words")
LATENCY = integer("latency_ms", "From the request's first byte to the answer", "ms")
STAKE = dollars("stake_dollars", "What the payer pays")
PAYOUT = dollars("payout_dollars", "What is owed if every leg hits, the stake included")

ERROR: tuple[Field, ...] = (
    CODE,
    word("fault", "Whose fault it is", Fault),
    text("error", "What happened, in words that anyone may read"),
    *maybe(
        word("peer", "Which other party it is about", Peer),
        REASON,
        nullable(integer("http_status", "The peer's HTTP status")),
        text("refusal", "The exchange's own code"),
        text("message", "The exchange's own sentence"),
        text("stripe_code", "Stripe's own code"),
        nullable(text("problem", "What of the peer's answer can't be read")),
        text("path", "The exchange's path that was asked"),
        integer("pages", "How many pages were read before giving up"),
        text("series", "The series whose markets can't be read"),
        text("event_ticker", "The exchange's event that can't be read"),
        TICKER,
        text("limit", "The setting that forbids it"),
        integer("limit_bytes", "The most a body may hold", "bytes"),
        integer("retry_after_s", "When to ask again", "s"),
        dollars("owed_dollars", "What is owed already if every open parlay wins"),
        text("name", "The market, event or day whose cap would be passed"),
        dollars("used_dollars", "What counts against the cap already"),
        dollars("asked_dollars", "What would count with this parlay"),
        dollars("cap_dollars", "The cap"),
        dollars("edge_dollars", "What the house would expect to earn"),
        nullable(dollars("smallest_stake_dollars", "The smallest stake that would do; null: none")),
    ),
)
"""What every error tells of itself."""

CRASH: tuple[Field, ...] = maybe(
    text("exception_type", "The exception's class"),
    text("exception", "The traceback, without values"),
)

ORDER: tuple[Field, ...] = (
    PARLAY,
    text("client_order_id", "The order's id, ours: `hs-` and a UUID"),
    TICKER,
    word("side", "`bid` buys YES, `ask` buys NO", BookSide),
    contracts("count", "How many this attempt orders"),
    price("price", "The limit, always as the YES price"),
    integer("attempt", "Which attempt of its intent, from 1"),
    LEG,
    word("purpose", "Why the intent exists", Purpose),
    word("state", "Where the attempt stands now", AttemptState),
    *maybe(
        text("order_id", "The exchange's id of the order"),
        text("code", "What the last answer was, when it was no acceptance; see errors.md"),
        contracts("fill_count", "How many are filled"),
        dollars("cost_dollars", "What the filled ones cost, fees apart"),
        dollars("fees", "The exchange's fees, as far as its answer tells them; accounts use fills"),
    ),
)
"""What every event of an order carries."""

ANSWERED: tuple[Field, ...] = maybe(
    nullable(integer("status", "The answer's HTTP status; null: there was none")),
    REASON,
    LATENCY,
)
