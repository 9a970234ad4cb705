"""What `plan` prints: tables for people, one JSON object for programs."""

from __future__ import annotations

import sys
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from hedge_service.cli import ops
from hedge_service.core.pricing import percent_text
from hedge_service.simulation.planner import edge_share

if TYPE_CHECKING:
    from hedge_service.core.money import Count, Money
    from hedge_service.core.risk.evaluate import Evaluation
    from hedge_service.core.rolling import NotOffered
    from hedge_service.simulation.planner import Parlay, Plan, Plans

WIDTH = 100
_ALIKE = Decimal("1e-6")
_FIGURES = ("outlay", "fees", "EV", "edge", "sd", "worst", "P(loss)", "CVaR")


def console() -> Console:
    """Print to the terminal's width, and to 100 columns where there is none."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


def print_tables(parlay: Parlay, made: Plans, *, with_states: bool) -> None:
    """Print the price, a row for each plan, and what to know when reading them."""
    out = console()
    out.print(_headline(parlay, made), highlight=False)
    out.print(_legs_line(parlay), highlight=False)
    out.print(_plans_table(parlay, made))
    for note in _notes(parlay, made):
        out.print(note, highlight=False)
    if with_states:
        out.print(_states_table(made))


def print_json(parlay: Parlay, made: Plans, *, with_states: bool) -> None:
    """Print exact strings: money in dollars, contracts, probabilities."""
    body: dict[str, Any] = {
        "stake": str(parlay.stake),
        "payment_fee": str(parlay.payment_fee),
        "payout_share": _text(parlay.share),
        "product": _text(made.price.joint.product),
        "q": _text(made.price.joint.q),
        "payout": str(made.terms.payout),
        "legs": [_leg_body(parlay, number) for number in range(len(parlay.legs))],
        "plans": [_plan_body(parlay, plan) for plan in made.plans],
    }
    if with_states:
        body["states"] = _state_bodies(made)
    ops.print_json(body)


def plain_table(*headers: str, title: str | None = None) -> Table:
    """Make a table with little between its columns."""
    return Table(*headers, title=title, box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)


def contracts_text(count: Count) -> str:
    """Write contracts without needless zeros."""
    return _text(count.contracts)


def _text(number: Decimal) -> str:
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _headline(parlay: Parlay, made: Plans) -> str:
    joint = made.price.joint
    words = f"stake ${parlay.stake}, payout ${made.terms.payout}, P(all hit) {percent_text(joint.q)}"
    if joint.q != joint.product:
        words += f" (independent: {percent_text(joint.product)})"
    evaluated = Decimal(made.states.probabilities[made.states.won].sum())
    if abs(evaluated - joint.q) > _ALIKE:
        words += f", evaluated at {percent_text(evaluated)}"
    return f"{words}, payment fee ${parlay.payment_fee}"


def _legs_line(parlay: Parlay) -> str:
    return "\n".join(f"  leg {leg.number}: {leg.ticker} {leg.side.value} at {leg.ask}" for leg in parlay.legs)


def _plans_table(parlay: Parlay, made: Plans) -> Table:
    table = plain_table()
    table.add_column("strategy", no_wrap=True)
    table.add_column("contracts")
    for name in _FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    for plan in made.plans:
        held = " ".join(map(contracts_text, plan.contracts))
        cells = ["-"] * len(_FIGURES) if plan.found is None else _cells(plan.found, parlay.stake)
        table.add_row(plan.strategy.value, "not offered" if plan.found is None else held, *cells)
    return table


def _cells(found: Evaluation, stake: Money) -> list[str]:
    return [
        dollars_text(found.outlay),
        dollars_text(found.fees),
        dollars_text(found.ev, "0.001"),
        f"{edge_share(found, stake) * 100:.1f}%",
        dollars_text(found.sd),
        dollars_text(found.worst),
        f"{found.p_loss * 100:.1f}%",
        dollars_text(found.cvar),
    ]


def dollars_text(money: Money, places: str = "0.01") -> str:
    """Write dollars rounded to the nearest, halves away from zero."""
    return f"{money.dollars.quantize(Decimal(places), ROUND_HALF_UP)}"


def _notes(parlay: Parlay, made: Plans) -> list[str]:
    tail = _text((1 - parlay.alpha) * 100)
    notes = [
        f"dollars of the house; edge: EV in % of the stake; CVaR: mean of the worst {tail} % of outcomes"
    ]
    for plan in made.plans:
        if plan.not_offered is not None:
            notes.append(f"{plan.strategy.value} is not offered: {_spelt(plan.not_offered)}")
        elif plan.strategy == "rolling":
            notes.append(
                "rolling: if prices hold; contracts held of each leg as it settles; outlay: the first leg's"
            )
    return notes


def _spelt(not_offered: NotOffered) -> str:
    legs = " and ".join(map(str, not_offered.legs))
    return f"{not_offered.reason.value.replace('_', ' ')} (leg {legs})"


def _states_table(made: Plans) -> Table:
    numbers = (str(number) for number in range(1, made.states.legs + 1))
    table = Table(
        *numbers,
        title="Every way the legs can end",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
    )
    table.add_column("probability", justify="right", no_wrap=True)
    found = {plan.strategy.value: plan.found.states for plan in made.plans if plan.found is not None}
    for name in found:
        table.add_column(name, justify="right", no_wrap=True)
    for row in zip(*found.values(), strict=True):
        hits = ("hit" if hit else "-" for hit in row[0].hits)
        table.add_row(*hits, f"{row[0].probability * 100:.3f}%", *(dollars_text(one.result) for one in row))
    return table


def _leg_body(parlay: Parlay, place: int) -> dict[str, Any]:
    leg = parlay.legs[place]
    return {
        "leg": leg.number,
        "ticker": leg.ticker,
        "event": leg.event_ticker,
        "side": leg.side.value,
        "ask": str(leg.ask),
    }


def _plan_body(parlay: Parlay, plan: Plan) -> dict[str, Any]:
    head = {"strategy": plan.strategy.value, "offered": plan.found is not None}
    if plan.found is None:
        return head | {"why": None if plan.not_offered is None else plan.not_offered.fields()}
    found = plan.found
    return head | {
        "contracts": [str(count) for count in plan.contracts],
        "outlay": str(found.outlay),
        "fees": str(found.fees),
        "ev": str(found.ev),
        "edge": str(edge_share(found, parlay.stake)),
        "sd": str(found.sd),
        "worst": str(found.worst),
        "best": str(found.best),
        "p_loss": _text(found.p_loss),
        "cvar": str(found.cvar),
    }


def _state_bodies(made: Plans) -> list[dict[str, Any]]:
    """Give every state, all hits last, with the result of each plan that is offered."""
    tables = {plan.strategy.value: plan.found.states for plan in made.plans if plan.found is not None}
    if not tables:
        return []
    first = next(iter(tables.values()))
    return [
        {
            "hits": list(state.hits),
            "probability": _text(state.probability),
            "results": {name: str(table[place].result) for name, table in tables.items()},
        }
        for place, state in enumerate(first)
    ]
