"""An explanation for people."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hedge_service.core.ledger import INCOME_AND_EXPENSE
from hedge_service.core.money import Money
from hedge_service.core.pricing import percent_text
from hedge_service.web.ops import decided

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hedge_service.cli.explain import Replayed
    from hedge_service.core.parlay import Quote
    from hedge_service.store.explained import Explained
    from hedge_service.store.ops_drill import Drilled

    Record = Mapping[str, Any]

_FIGURES = {"outlay": "outlay", "fees": "fees", "ev": "EV", "sd": "sd", "worst": "worst", "cvar": "CVaR"}


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
    _say(console, "Structure:", decided.structure(decision))
    _say(console, "Model:", decided.model_part(quote.advice))
    console.print(_plans(decision))
    _say(console, f"Chosen: {decision['decided']['choice']['id']}.", decided.choice(quote.advice, decision))


def _say(console: Console, head: str, lines: Iterable[str]) -> None:
    """Print lines behind their head, which the second and later ones leave out."""
    for number, line in enumerate(lines):
        console.print(escape(f"  {line}" if number else f"{head} {line}"), soft_wrap=True)


def _head(found: Explained) -> str:
    quote = found.quote
    name = f"quote {quote.id}" if found.parlay is None else f"parlay {found.parlay.parlay.id}"
    return f"{name}, quoted {quote.created_at:%Y-%m-%d %H:%M:%S} UTC: ${quote.stake} pays ${quote.payout}"


def _legs(quote: Quote) -> Table:
    table = Table("leg", "market", "backed", title="Legs", title_justify="left")
    table.add_column("ticker", overflow="fold")
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


def _plans(decision: Record) -> Table:
    # Without a box, so that no figure is cut on a terminal of 80 columns.
    table = Table(
        "plan", title="Plans offered (dollars)", title_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    table.add_column("contracts", overflow="fold")
    for title in (*_FIGURES.values(), "P(loss)", "edge"):
        table.add_column(title, justify="right", no_wrap=True)
    made = decision["decided"]
    for plan in made["plans"]:
        chosen = plan["id"] == made["choice"]["id"]
        bought = " / ".join(hedge["contracts"].removesuffix(".00") for hedge in plan["hedges"])
        figures = (f"{Money.of(plan[name]).dollars:.2f}" for name in _FIGURES)
        loss, edge = f"{Decimal(plan['p_loss']):.3f}", f"{Money.of(plan['edge']).dollars:.2f}"
        table.add_row(plan["id"], bought, *figures, loss, edge, style="bold" if chosen else None)
    return table


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
        side, gone = (
            fill.side.value,
            "" if fill.reversed_at is None else " (by hand, reversed: counts no more)",
        )
        yield f"  fill: {fill.count} {fill.ticker} {side} for ${fill.cost}, fee ${fill.fee}{gone}"
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
