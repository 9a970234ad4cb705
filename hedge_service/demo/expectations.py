"""What the demo expects: each expectation is a sentence, whether it held, and what was seen."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedge_service.demo.record import PICKS, STAKE, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hedge_service.demo.record import RunRecord

PAYOUT = "30.96"
# The classic rule on 43/52/65 % and $5: nothing, $0.75 and $2.00 (floor of amount over price).
CONTRACTS = {2: "1.00", 3: "3.00"}
LIMITS = {2: "0.5400", 3: "0.6700"}
SKIPS = {1: "below_band"}
TICKERS = {PICKS[leg - 1].ticker: count for leg, count in CONTRACTS.items()}
CENT = Decimal("0.01")
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One sentence that has to be true of a run, and what was seen."""

    name: str
    says: str
    held: bool
    seen: Any

    def wire(self) -> dict[str, Any]:
        """Give it as JSON."""
        return asdict(self)


def expect(name: str, says: str, *, wanted: object, seen: object) -> Expectation:
    """Expect what was seen to equal what was wanted."""
    return Expectation(name=name, says=says, held=seen == wanted, seen=seen)


def broken_off(reason: str) -> Expectation:
    """Give the expectation that fails when a run does not reach its end."""
    return Expectation(name="finished", says="the run reaches its end", held=False, seen=reason)


def check_run(run: RunRecord) -> tuple[Expectation, ...]:
    """Hold everything expected of a run against what it saw."""
    of_mode = _of_dry_run if run.mode is Mode.DRY_RUN else _of_live_run
    return (*_of_offer(run), *_of_payment(run), *of_mode(run), *_of_process(run))


def _of_offer(run: RunRecord) -> Iterator[Expectation]:
    yield expect(
        "prices",
        "the market pages offer the three legs at 43, 52 and 65 %",
        wanted=[pick.percent for pick in PICKS],
        seen=[bet["prob"] for bet in run.bets],
    )
    yield expect(
        "two_quotes",
        "one click's two requests give two quotes, each with its own id",
        wanted=2,
        seen=len({quote["quoteId"] for quote in run.quotes}),
    )
    yield expect(
        "payout",
        f"both quotes pay ${PAYOUT} for ${STAKE}",
        wanted=[PAYOUT, PAYOUT],
        seen=[quote["payout"]["adjustedPayout"] for quote in run.quotes],
    )


def _of_payment(run: RunRecord) -> Iterator[Expectation]:
    yield expect(
        "one_parlay",
        "the webhook, delivered twice, is taken twice and makes one parlay",
        wanted={"new": [False, True], "status": OK, "payments": 1, "parlays": 1},
        seen={
            "new": sorted(event["new"] for event in run.named("webhook.received")),
            "status": run.second_delivery_status,
            "payments": len(run.named("payment.confirmed")),
            "parlays": len(run.history),
        },
    )
    yield expect("bets_cleared", "the paid bets are cleared", wanted=[], seen=list(run.bets_after))
    yield expect(
        "contracts",
        "leg 2 is hedged with 1 contract, leg 3 with 3",
        wanted=CONTRACTS,
        seen={order["leg"]: order["count"] for order in run.orders},
    )
    yield expect("skips", "leg 1 is skipped, since its chance is under 50 %", wanted=SKIPS, seen=run.skips)
    wanted = "dry_run" if run.mode is Mode.DRY_RUN else "executed"
    yield expect("outcome", f"the summary says {wanted}", wanted=wanted, seen=run.summary["outcome"])
    live = run.mode is Mode.LIVE
    yield expect(
        "history",
        f"the user's history shows the hedge as {'executed' if live else 'not executed'}",
        wanted=[live],
        seen=[parlay["hedge_executed"] for parlay in run.history],
    )


def _of_dry_run(run: RunRecord) -> Iterator[Expectation]:
    yield expect(
        "no_create_request",
        "the exchange was sent no order",
        wanted={"create_requests": 0, "orders": 0},
        seen={"create_requests": sum(run.book.create_requests.values()), "orders": len(run.book.orders)},
    )
    yield expect(
        "order_bodies",
        "the orders not sent are told with their exact bodies",
        wanted=[
            {"ticker": PICKS[leg - 1].ticker, "count": CONTRACTS[leg], "price": LIMITS[leg]} for leg in LIMITS
        ],
        seen=[_body(order.get("body")) for order in run.orders],
    )


def _body(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    body = json.loads(text)
    return {name: body.get(name) for name in ("ticker", "count", "price")}


def _of_live_run(run: RunRecord) -> Iterator[Expectation]:
    book = run.book
    yield expect(
        "one_order_per_leg",
        "the exchange has exactly one order for each hedged leg, asked for once",
        wanted={"orders": dict.fromkeys(TICKERS, 1), "create_requests": [1, 1]},
        seen={
            "orders": dict(Counter(order["ticker"] for order in book.orders)),
            "create_requests": list(book.create_requests.values()),
        },
    )
    yield expect(
        "filled",
        "the exchange filled 1 and 3 contracts, and the service knows it",
        wanted={"exchange": TICKERS, "service": TICKERS, "contracts_filled": "4.00"},
        seen={
            "exchange": {order["ticker"]: order["fill_count_fp"] for order in book.orders},
            "service": {order["ticker"]: order.get("fill_count") for order in run.orders},
            "contracts_filled": run.summary["contracts_filled"],
        },
    )
    cost, fees = _paid(book.fills)
    yield expect(
        "cost",
        "the service's cost equals the exchange's own book",
        wanted=cost,
        seen=Decimal(run.summary["cost_dollars"]),
    )
    # An order's reply gives the fee as a rounded average per contract; only the fills have it exactly.
    told = Decimal(run.summary["fees_dollars"])
    yield Expectation(
        name="fees",
        says="the service's fees equal the exchange's to the cent",
        held=abs(told - fees) < CENT,
        seen={"service": str(told), "exchange": str(fees)},
    )


def _paid(fills: Sequence[dict[str, Any]]) -> tuple[Decimal, Decimal]:
    cost = sum((Decimal(row["yes_price_dollars"]) * Decimal(row["count_fp"]) for row in fills), Decimal())
    return cost, sum((Decimal(row["fee_cost"]) for row in fills), Decimal())


def _of_process(run: RunRecord) -> Iterator[Expectation]:
    yield expect(
        "json_lines",
        "every line the service printed is one JSON event",
        wanted=[],
        seen=list(run.unreadable_lines),
    )
    yield expect(
        "no_secrets", "nothing it printed holds a secret it was given", wanted=[], seen=list(run.leaked)
    )
    yield expect(
        "stopped",
        "SIGTERM stops the service with exit code 0",
        wanted={"exit_code": 0, "last_event": "service.stopped"},
        seen={"exit_code": run.exit_code, "last_event": run.events[-1]["event"]},
    )
