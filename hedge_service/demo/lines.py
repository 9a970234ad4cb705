"""One readable sentence for each event of the service."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedge_service.demo.events import Event

# Fields that every line has, or that are there for machines.
UNTOLD = frozenset(
    {"timestamp", "level", "event", "request_id", "parlay_id", "client_order_id", "session", "exception"}
)
SKIPS = {
    "not_hedged": "the strategy leaves it open",
    "below_band": "chance under 50 %",
    "below_one_contract": "less than one contract",
    "market_not_open": "market not open",
    "no_limit_price": "no price to buy at",
    "order_cap": "over the cap per order",
    "parlay_cap": "over the cap per parlay",
    "day_cap": "over the cap per day",
}
LONGEST_VALUE = 100


def sentence(event: Event) -> str:
    """Say what an event tells; one that is not known here is shown by its fields."""
    try:
        return SENTENCES.get(event["event"], _fields)(event)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return _fields(event)


def number(text: str) -> str:
    """Write a count without the zeros behind its point: 3.00 is 3."""
    value = Decimal(text)
    return f"{value.normalize():f}"


def money(text: str) -> str:
    """Write dollars with two decimals, more only where they say something."""
    whole, _, decimals = f"{Decimal(text):f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"


def skip_reason(reason: str) -> str:
    """Say in words why a leg got no order."""
    return SKIPS.get(reason, reason.replace("_", " "))


def _fields(event: Event) -> str:
    told = {name: str(value) for name, value in event.items() if name not in UNTOLD}
    if "exception" in event:
        told["exception"] = str(event["exception"]).splitlines()[-1]
    return " ".join(f"{name}={value[:LONGEST_VALUE]}" for name, value in told.items())


def _started(event: Event) -> str:
    orders = "no order will be sent" if event["mode"] == "dry_run" else "orders will be sent"
    return f"on {event['host']}:{event['port']}, {event['environment']}, {event['mode']}: {orders}"


def _limits(event: Event) -> str:
    return f"tier {event['tier']}, {event['write_per_s']} write tokens a second"


def _lease(_event: Event) -> str:
    return "only this process may send orders"


def _read(event: Event) -> str:
    orders, positions = event["orders"], event["positions"]
    return f"{orders} orders and {positions} positions from before"


def _reconciled(_event: Event) -> str:
    return "both views agree, sending may begin"


def _stopping(_event: Event) -> str:
    return "finishes what is on the wire"


def _quote(event: Event) -> str:
    chance = Decimal(event["probability"]) * 100
    at_a_loss = event.get("edge_negative", False)
    loss = f", at an expected loss of ${-Decimal(event['edge_dollars']):.2f}" if at_a_loss else ""
    return (
        f"{money(event['payout_dollars'])} for {money(event['stake_dollars'])}, "
        f"chance {chance:.2f} %, strategy {event['strategy']}{loss}"
    )


def _checkout(event: Event) -> str:
    return f"{money(str(Decimal(event['amount_cents']) / 100))} to pay, by the stored quote"


def _webhook(event: Event) -> str:
    return f"{event['type']}, {'new' if event['new'] else 'seen before: nothing to do'}"


def _payment(event: Event) -> str:
    stake, payout = money(event["stake_dollars"]), money(event["payout_dollars"])
    return f"{stake} paid, {payout} owed if all hit; {event['legs_cleared']} bets cleared"


def _strategy(event: Event) -> str:
    skips = "".join(f"; leg {skip['leg']} skipped: {skip_reason(skip['reason'])}" for skip in event["skips"])
    plan = f"{event['orders']} orders, {number(event['contracts'])} contracts"
    return f"{event['strategy']}: {plan}, {money(event['max_cost_dollars'])} at most{skips}"


def _order(event: Event) -> str:
    return (
        f"leg {event['leg']}: {number(event['count'])} {event['ticker']} at {money(event['price'])} or less"
    )


def _accepted(event: Event) -> str:
    filled, asked = number(event["fill_count"]), number(event["count"])
    at = event.get("average_fill_price")
    took = f", {event['latency_ms']} ms" if "latency_ms" in event else ""
    return f"leg {event['leg']}: {filled} of {asked} filled{'' if at is None else f' at {money(at)}'}{took}"


def _trouble(event: Event) -> str:
    return (
        f"leg {event['leg']}: {event['ticker']}, {event.get('reason', event.get('code', 'no reason told'))}"
    )


def _summary(event: Event) -> str:
    filled, planned = number(event["contracts_filled"]), number(event["contracts_planned"])
    cost, fees = money(event["cost_dollars"]), money(event["fees_dollars"])
    return f"{event['outcome']}: {filled} of {planned} contracts filled, cost {cost}, fees {fees}"


SENTENCES: dict[str, Callable[[Event], str]] = {
    "service.started": _started,
    "service.stopping": _stopping,
    "limits.adopted": _limits,
    "lease.taken": _lease,
    "exchange.read": _read,
    "exchange.reconciled": _reconciled,
    "quote.created": _quote,
    "checkout.created": _checkout,
    "webhook.received": _webhook,
    "payment.confirmed": _payment,
    "strategy.chosen": _strategy,
    "order.dry_run": _order,
    "order.sent": _order,
    "order.accepted": _accepted,
    "order.refused": _trouble,
    "order.unknown": _trouble,
    "order.not_sent": _trouble,
    "hedge.summarized": _summary,
}
