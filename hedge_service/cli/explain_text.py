"""An explanation for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedge_service.core.choice import ChosenBy
from hedge_service.core.ledger import INCOME_AND_EXPENSE
from hedge_service.core.money import Money
from hedge_service.core.pricing import percent_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hedge_service.cli.explain import Replayed
    from hedge_service.core.parlay import Quote
    from hedge_service.store.explained import Explained
    from hedge_service.store.ops_drill import Drilled

    Record = Mapping[str, Any]

_FIGURES = {"outlay": "outlay", "fees": "fees", "ev": "EV", "sd": "sd", "worst": "worst", "cvar": "CVaR"}
_BY = {
    ChosenBy.DEFAULT: "the configured strategy; the model named no plan",
    ChosenBy.MODEL: "the model's choice",
    ChosenBy.NOT_OFFERED: "the configured strategy; the model named one that was not offered: {wanted}",
    ChosenBy.OVERRULED: "the configured strategy; the model's choice, {wanted}, was overruled: "
    "{measure} {figure} against {default}",
    ChosenBy.BELOW_MINIMUM_EDGE: "the configured strategy; the model's choice, {wanted}, would have left "
    "less than the minimum edge ({measure} {figure} against {default})",
}


def show(found: Explained, replayed: Replayed) -> None:
    """Print an explanation."""
    console = Console(highlight=False)
    quote = found.quote
    console.print(escape(_head(found)))
    console.print(_legs(quote))
    for line in _price(quote):
        console.print(escape(line), soft_wrap=True)
    if replayed.unreadable is None:
        _decided(console, quote)
    for line in ("not paid for",) if found.parlay is None else _happened(found.parlay):
        console.print(escape(line), soft_wrap=True)
    for line in _replayed(replayed):
        console.print(escape(line), soft_wrap=True)


def _decided(console: Console, quote: Quote) -> None:
    decision: Record = quote.advice["decision"]
    for line in (*_structure(decision), *_model(quote.advice)):
        console.print(escape(line), soft_wrap=True)
    console.print(_plans(decision))
    for line in _choice(quote.advice, decision):
        console.print(escape(line), soft_wrap=True)


def _head(found: Explained) -> str:
    quote = found.quote
    name = f"quote {quote.id}" if found.parlay is None else f"parlay {found.parlay.parlay.id}"
    return f"{name}, quoted {quote.created_at:%Y-%m-%d %H:%M:%S} UTC: ${quote.stake} pays ${quote.payout}"


def _legs(quote: Quote) -> Table:
    table = Table("leg", "market", "backed", "ticker", title="Legs", title_justify="left")
    for title in ("ask", "contracts", "not hedged"):
        table.add_column(title, justify="right")
    for leg in quote.legs:
        bet = leg.bet
        said = (str(leg.leg), bet.market_title, f"{bet.option_label} ({bet.side.value})", bet.ticker)
        skip = "" if leg.skip is None else leg.skip
        table.add_row(*map(escape, (*said, str(leg.ask), str(leg.contracts), skip)))
    return table


def _price(quote: Quote) -> Iterator[str]:
    analysis = quote.body.get("analysis", {})
    yield (
        f"Chance that all hit: {percent_text(quote.probability)} as priced, "
        f"{percent_text(quote.product)} if independent. {analysis.get('correlationAnalysis', '')}"
    )


def _structure(decision: Record) -> Iterator[str]:
    facts = decision["facts"]
    for event in facts["exclusive_events"]:
        yield f"Structure: at most one market of {event} ends in YES."
    for ticker, strike in facts["strikes"].items():
        ends = [strike[end] for end in ("floor", "cap") if strike[end] is not None]
        yield f"Structure: {ticker} is YES where its event's number is {strike['kind']} {' and '.join(ends)}."
    for event in decision["decided"]["unmodelled"]:
        yield f"No correlation is known for the legs of {event}: priced as if independent."
    if facts["books"] is None:
        yield "The order books could not be read: plans were sized at the asks alone."


def _model(advice: Record) -> Iterator[str]:
    if not advice.get("asked"):
        yield "Model: not asked."
    elif not advice.get("answered"):
        yield f"Model: no answer ({advice.get('reason')})."
    else:
        yield f"Model: {advice['model']}, answer {advice['response_id']}."
        for pair in advice["correlations"]:
            legs = f"legs {pair['first_leg']} and {pair['second_leg']}"
            yield f"  {legs}: correlation {pair['correlation']}, because: {pair['reason']}"
        for note in advice["notes"]:
            yield f"  not taken as it came: {note}"


def _plans(decision: Record) -> Table:
    table = Table("plan", "contracts by leg", title="Plans offered (dollars)", title_justify="left")
    for title in (*_FIGURES.values(), "P(loss)", "edge"):
        table.add_column(title, justify="right")
    decided = decision["decided"]
    for plan in decided["plans"]:
        chosen = plan["id"] == decided["choice"]["id"]
        bought = " / ".join(hedge["contracts"].removesuffix(".00") for hedge in plan["hedges"])
        figures = (f"{Money.of(plan[name]).dollars:.2f}" for name in _FIGURES)
        loss, edge = f"{Money.of(plan['p_loss'][:8]).dollars:.3f}", f"{Money.of(plan['edge']).dollars:.2f}"
        table.add_row(plan["id"], bought, *figures, loss, edge, style="bold" if chosen else None)
    return table


def _choice(advice: Record, decision: Record) -> Iterator[str]:
    choice, facts = decision["decided"]["choice"], decision["facts"]
    by = _BY[ChosenBy(choice["by"])].format(
        wanted=facts["wanted"],
        measure=facts["rules"]["measure"],
        figure=choice["wanted"],
        default=choice["default"],
    )
    yield f"Chosen: {choice['id']}, {by}."
    pick = advice.get("plan")
    if pick is not None:
        yield f"  the model named {pick['plan_id']}, because: {pick['reason']}"
    rolling = decision["decided"]["not_rolling"]
    if rolling is not None:
        legs = ", ".join(map(str, rolling["legs"]))
        yield f"  rolling is configured, but not for these legs: {rolling['reason']} (legs {legs})"


def _happened(one: Drilled) -> Iterator[str]:
    parlay = one.parlay
    yield f"Accepted {parlay.accepted_at:%Y-%m-%d %H:%M:%S} UTC, {parlay.mode.value}; it is {parlay.state}."
    for planned in one.intents:
        intent = planned.intent
        what = f"{intent.side.value} {intent.count} of {intent.ticker} at {intent.price}"
        states = ", ".join(
            f"{tried.attempt.state.value}, {tried.attempt.filled} filled" for tried in planned.attempts
        )
        yield f"  leg {intent.leg}, {intent.purpose.value}: {what}: {states or 'not sent'}"
    for fill in one.fills:
        side = fill.side.value
        yield f"  fill: {fill.count} {fill.ticker} {side} for ${fill.cost}, fee ${fill.fee}"
    for leg in one.legs:
        paid = "no result yet" if leg.paid is None else f"paid ${leg.paid} a contract"
        yield f"  leg {leg.leg}: {paid}"
    yield f"  booked so far: {_booked(one)} for the house (payment fee as far as it is told)"


def _booked(one: Drilled) -> Money:
    names = {account.value for account in INCOME_AND_EXPENSE}
    lines = (line for booked in one.ledger for line in booked.postings)
    return -sum((amount for account, amount in lines if account in names), Money.ZERO)


def _replayed(replayed: Replayed) -> Iterator[str]:
    yield f"replayed: {replayed.word}"
    if replayed.unreadable is not None:
        yield f"  {replayed.unreadable}"
    for difference in replayed.differences:
        yield f"  {difference}"
