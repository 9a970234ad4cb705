"""What a quote was decided from, and what followed, as plain JSON values: written once, read for a replay.

Money, prices and counts are text in dollars and contracts. `VERSION` changes with the meaning of a field; a
record of another version can be shown but not decided again.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedge_service.core.book import Book, Level
from hedge_service.core.choice import Facts, Measure, Rules
from hedge_service.core.fees import FeeKind, FeeSchedule
from hedge_service.core.hedge_caps import HedgeCaps
from hedge_service.core.hedging import Strategy
from hedge_service.core.leg import Leg, PairCorrelation
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.risk.structure import Structure
from hedge_service.core.rolling import NotInSequence, NotOffered
from hedge_service.core.strike import Strike, StrikeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.core.choice import Choice, Decision, Plan
    from hedge_service.core.hedging import LegHedge
    from hedge_service.core.parlay import Quote

    Json = dict[str, Any]

VERSION = 1
STATISTICS = ("ev", "sd", "cvar")
FIGURES = ("ev", "sd", "worst", "best", "cvar", "outlay", "fees")


class OtherVersion(ValueError):  # noqa: N818 - says what the record is
    """A record of another version than this code reads; the message names both."""


def write(facts: Facts, decision: Decision) -> Json:
    """Give the record of a decision."""
    return {"version": VERSION, "facts": write_facts(facts), "decided": write_decision(decision)}


def write_facts(facts: Facts) -> Json:
    """Give all that a decision rests on."""
    sequence = facts.sequence
    return {
        "stake": str(facts.stake),
        "legs": [_leg(leg) for leg in facts.legs],
        "rules": _rules(facts.rules),
        "exclusive_events": sorted(facts.structure.exclusive_events),
        "strikes": {ticker: _strike(strike) for ticker, strike in sorted(facts.structure.strikes.items())},
        "correlations": [
            {"first": pair.first, "second": pair.second, "rho": str(pair.rho)} for pair in facts.correlations
        ],
        "books": None if facts.books is None else {name: _book(book) for name, book in facts.books.items()},
        "fees": {name: _schedule(fees) for name, fees in facts.fees.items()},
        "sequence": sequence.fields() if isinstance(sequence, NotOffered) else _listed(sequence),
        "wanted": facts.wanted,
    }


def write_decision(decision: Decision) -> Json:
    """Give what followed: the price, every plan with its figures, and the choice."""
    offered = decision.offered
    price, unmodelled = offered.price, offered.price.joint.unmodelled
    return {
        "q": str(price.joint.q),
        "product": str(price.joint.product),
        "unmodelled": list(unmodelled),
        "payout": str(price.payout),
        "default": offered.default.value,
        "not_rolling": None if offered.not_rolling is None else offered.not_rolling.fields(),
        "plans": [_plan(plan) for plan in offered.plans],
        "choice": _choice(decision.choice),
        "sold": decision.sold,
    }


def read_facts(record: Mapping[str, Any]) -> Facts:
    """Read the facts of a record back.

    Raises OtherVersion, and KeyError, TypeError or ValueError for what no version of this code has written.
    """
    if record.get("version") != VERSION:
        raise OtherVersion(f"the record is of version {record.get('version')}, this code reads {VERSION}")
    told = record["facts"]
    strikes = {ticker: _read_strike(strike) for ticker, strike in told["strikes"].items()}
    return Facts(
        stake=Money.of(told["stake"]),
        legs=tuple(_read_leg(leg) for leg in told["legs"]),
        rules=_read_rules(told["rules"]),
        structure=Structure(exclusive_events=frozenset(told["exclusive_events"]), strikes=strikes),
        correlations=tuple(
            PairCorrelation(first=pair["first"], second=pair["second"], rho=Decimal(pair["rho"]))
            for pair in told["correlations"]
        ),
        books=None
        if told["books"] is None
        else {name: _read_book(levels) for name, levels in told["books"].items()},
        fees=_read_fees(told),
        sequence=_read_sequence(told["sequence"]),
        wanted=told["wanted"],
    )


def fees_of(quote: Quote) -> dict[str, FeeSchedule]:
    """Give the fees by ticker that a quote reckoned with; none where its record is of another version."""
    record = quote.advice.get("decision")
    if record is None or record.get("version") != VERSION:
        return {}
    return _read_fees(record["facts"])


def _leg(leg: Leg) -> Json:
    return {
        "leg": leg.number,
        "ticker": leg.ticker,
        "event_ticker": leg.event_ticker,
        "side": leg.side.value,
        "ask": str(leg.ask),
    }


def _read_leg(told: Json) -> Leg:
    return Leg(
        number=told["leg"],
        ticker=told["ticker"],
        event_ticker=told["event_ticker"],
        side=Side(told["side"]),
        ask=Price.of(told["ask"]),
    )


def _rules(rules: Rules) -> Json:
    return {
        "payout_share": str(rules.payout_share),
        "payment_fee_share": str(rules.payment_fee_share),
        "payment_fee_fixed": str(rules.payment_fee_fixed),
        "minimum_edge": None if rules.minimum_edge is None else str(rules.minimum_edge),
        "strategy": rules.strategy.value,
        "measure": rules.measure.value,
        "ratio": str(rules.ratio),
        "alpha": str(rules.alpha),
        "budget_share": str(rules.budget_share),
        "step": str(rules.step),
        "slippage": str(rules.slippage),
        "drift_reserve": str(rules.drift_reserve),
        "order_cap": str(rules.caps.order),
        "parlay_cap": str(rules.caps.parlay),
    }


def _read_rules(told: Json) -> Rules:
    exact = {
        name: Decimal(told[name])
        for name in (
            *("payout_share", "payment_fee_share", "ratio", "alpha"),
            *("budget_share", "step", "slippage", "drift_reserve"),
        )
    }
    return Rules(
        payment_fee_fixed=Money.of(told["payment_fee_fixed"]),
        minimum_edge=None if told["minimum_edge"] is None else Decimal(told["minimum_edge"]),
        strategy=Strategy(told["strategy"]),
        measure=Measure(told["measure"]),
        caps=HedgeCaps(
            order=Money.of(told["order_cap"]),
            parlay=Money.of(told["parlay_cap"]),
            slippage=exact["slippage"],
            step=exact["step"],
        ),
        **exact,
    )


def _strike(strike: Strike) -> Json:
    return {
        "kind": strike.kind.value,
        "floor": None if strike.floor is None else str(strike.floor),
        "cap": None if strike.cap is None else str(strike.cap),
    }


def _read_strike(told: Json) -> Strike:
    return Strike(
        kind=StrikeKind(told["kind"]),
        floor=None if told["floor"] is None else Decimal(told["floor"]),
        cap=None if told["cap"] is None else Decimal(told["cap"]),
    )


def _book(book: Book) -> list[list[str]]:
    return [[str(level.price), str(level.count)] for level in book.levels]


def _read_book(levels: list[list[str]]) -> Book:
    return Book(tuple(Level(price=Price.of(price), count=Count.of(count)) for price, count in levels))


def _schedule(fees: FeeSchedule) -> Json:
    return {
        "kind": fees.kind.value,
        "multiplier": str(fees.multiplier),
        "precision": str(fees.precision),
    }


def _read_fees(told: Json) -> dict[str, FeeSchedule]:
    return {name: _read_schedule(fees) for name, fees in told["fees"].items()}


def _read_schedule(told: Json) -> FeeSchedule:
    return FeeSchedule(
        kind=FeeKind(told["kind"]),
        multiplier=Decimal(told["multiplier"]),
        precision=Decimal(told["precision"]),
    )


def _listed(sequence: tuple[int, ...] | None) -> list[int] | None:
    return None if sequence is None else list(sequence)


def _read_sequence(told: Any) -> tuple[int, ...] | NotOffered | None:
    if isinstance(told, dict):
        return NotOffered(reason=NotInSequence(told["reason"]), legs=tuple(told["legs"]))
    return None if told is None else tuple(told)


def _plan(plan: Plan) -> Json:
    seen = plan.evaluation
    return {
        "id": plan.strategy.value,
        "hedges": [_hedge(hedge) for hedge in plan.hedges],
        "edge": str(plan.edge),
        **{name: str(getattr(seen, name)) for name in FIGURES},
        "p_loss": str(seen.p_loss),
    }


def _hedge(hedge: LegHedge) -> Json:
    return {
        "leg": hedge.leg.number,
        "contracts": str(hedge.contracts),
        "amount": str(hedge.amount),
        "skip": None if hedge.skip is None else hedge.skip.value,
    }


def _choice(choice: Choice) -> Json:
    return {
        "id": choice.plan.strategy.value,
        "by": choice.by.value,
        "wanted": None if choice.wanted is None else str(choice.wanted),
        "default": None if choice.default is None else str(choice.default),
    }
