"""What `simulate` prints: tables for people, one JSON object for programs."""

from __future__ import annotations

from dataclasses import asdict, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedge_service.cli import ops
from hedge_service.cli.plan_shown import console, dollars_text, plain_table
from hedge_service.core.money import Money

if TYPE_CHECKING:
    from rich.table import Table

    from hedge_service.simulation.run import Outcome, Simulated

PER_PARLAY = {
    "expected": "expected",
    "mean": "mean",
    "standard_error": "+-",
    "sd": "sd",
    "p5": "5%",
    "p50": "50%",
    "p95": "95%",
    "worst": "worst",
}
_TENTHS = Decimal("0.1")


def headline(simulated: Simulated, seed: int) -> str:
    """Say what was simulated in a line."""
    settings = simulated.settings
    (low, high), stakes = settings.legs, simulated.stakes.dollars
    return (
        f"{settings.parlays:,} parlays of {low} to {high} legs, seed {seed}: stakes ${stakes:,.0f}, "
        f"{simulated.hits:,} won; drift {settings.drift}, bias {settings.bias}"
    )


def print_tables(simulated: Simulated, seed: int) -> None:
    """Print results per parlay, then what they are for the whole book."""
    out = console()
    out.print(headline(simulated, seed), highlight=False)
    out.print(_parlays_table(simulated))
    out.print(
        "expected: without the luck of results; +-: the mean's standard error; edge: expected in % of stakes",
        highlight=False,
    )
    out.print(_book_table(simulated))
    rolling = simulated.rolling
    if rolling is not None:
        out.print(
            f"rolling: {rolling.in_sequence:,} parlays in sequence (others: delta), "
            f"{rolling.rolls:,} rolls, {rolling.refused:,} stopped by the guard",
            highlight=False,
        )


def print_json(simulated: Simulated, seed: int) -> None:
    """Print exact strings, and every setting that the figures rest on."""
    rolling = simulated.rolling
    ops.print_json(
        {
            "seed": seed,
            "settings": {name: _plain(value) for name, value in _items(simulated.settings)},
            "stakes": str(simulated.stakes),
            "payouts_owed_at_most": str(simulated.owed),
            "parlays_won": simulated.hits,
            "strategies": [
                {name: _plain(value) for name, value in _items(outcome)} for outcome in simulated.outcomes
            ],
            "rolling": None if rolling is None else asdict(rolling),
        }
    )


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Money | Decimal) else value


def _parlays_table(simulated: Simulated) -> Table:
    table = plain_table(title="Dollars per parlay")
    table.add_column("strategy", no_wrap=True)
    for title in (*PER_PARLAY.values(), "edge", "losing"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in simulated.outcomes:
        cells = [dollars_text(getattr(one, name)) for name in PER_PARLAY]
        table.add_row(one.strategy.value, *cells, _percent(one.of_stakes), _percent(one.losing))
    return table


def _book_table(simulated: Simulated) -> Table:
    table = plain_table(title="Dollars, the whole book (hedge cost and fees: per parlay)")
    table.add_column("strategy", no_wrap=True)
    for title in ("hedge cost", "of it fees", "result", "drawdown", "capital needed"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in simulated.outcomes:
        table.add_row(one.strategy.value, *_book_cells(one))
    return table


def _book_cells(one: Outcome) -> list[str]:
    whole = (f"{one.total.dollars:,.0f}", f"{one.drawdown.dollars:,.0f}", f"{one.capital.dollars:,.0f}")
    return [dollars_text(one.costs), dollars_text(one.fees), *whole]


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(_TENTHS)}%"
