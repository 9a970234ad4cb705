"""A log for a person: one line for each event, a box for each parlay's summary."""

from __future__ import annotations

import os
import re
import sys
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from rich.box import ROUNDED
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hedge_service.demo.lines import money, number, sentence, skip_reason
from hedge_service.demo.table import COLOURS

if TYPE_CHECKING:
    from hedge_service.cli.log_lines import Line, Memory

LEVELS = {"debug": "dim", "warning": "yellow", "error": "bold red", "critical": "bold white on red"}
NAME_WIDTH, LEVEL_WIDTH, SHORT_PARLAY = 20, 8, 12
BOX_WIDTH = 100
PLAIN_WIDTH = 160
MOMENT = slice(5, 23)  # month, day and time to the millisecond of an ISO moment
# What a terminal would obey instead of showing.
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
GOOD = {"executed": "green", "dry_run": "cyan", "skipped": "cyan"}
FIGURES = {
    "stake": ("stake_dollars", "money"),
    "planned": ("contracts_planned", "number"),
    "filled": ("contracts_filled", "number"),
    "unhedged": ("contracts_unhedged", "number"),
    "cost": ("cost_dollars", "money"),
    "fees": ("fees_dollars", "money"),
}


class _Piped(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to the command: a reader that has seen enough is no fault."""
        raise BrokenPipeError


class Screen:
    """Writes events to a stream, in colour when it is a terminal (or FORCE_COLOR says so)."""

    def __init__(self, file: TextIO, memory: Memory) -> None:
        if isinstance(file, TextIOWrapper):
            file.reconfigure(errors="replace")
        console = _Piped(file=file, highlight=False)
        plain = not console.is_terminal and "COLUMNS" not in os.environ
        self._console = _Piped(file=file, highlight=False, width=PLAIN_WIDTH) if plain else console
        self._file = file
        self._memory = memory

    def event(self, line: Line) -> None:
        """Show one event on one line, and a box after a summary."""
        level, name = str(line.get("level", "")), line["event"]
        colour = LEVELS.get(level, COLOURS.get(name.split(".")[0], "bold"))
        shown = Text.assemble(
            (_clean(str(line.get("timestamp", ""))[MOMENT]).replace("T", " ").ljust(18), "dim"),
            " ",
            (_clean(level).ljust(LEVEL_WIDTH), LEVELS.get(level, "dim")),
            " ",
            (_clean(name).ljust(NAME_WIDTH), colour),
            " ",
            (_short(line.get("parlay_id")), "dim"),
            " ",
            _clean(_said(line)),
        )
        if "docs" in line:
            shown.append(f" -> {_clean(str(line['docs']))}", "underline")
        shown.rstrip()
        self._console.print(shown, soft_wrap=True)
        if name == "hedge.summarized":
            self._summary(line)

    def raw(self, line: bytes) -> None:
        """Show a line that is no event as it is; on a terminal without what that would obey."""
        whole = line if line.endswith(b"\n") else line + b"\n"
        buffer = getattr(self._file, "buffer", None)
        if self._console.is_terminal or buffer is None:
            self._file.write(_clean(whole.decode(errors="replace").rstrip("\r\n")) + "\n")
            return
        self._file.flush()
        buffer.write(whole)
        buffer.flush()

    def flush(self) -> None:
        """Give everything to the reader."""
        self._file.flush()

    def _summary(self, line: Line) -> None:
        outcome = str(line.get("outcome", "?"))
        parlay = _clean(str(line.get("parlay_id", "?")))
        title = f"{parlay}: {outcome}, revision {line.get('revision', '?')}"
        body = Table.grid(padding=(0, 2))
        body.add_row(Text("  ".join(f"{name} {_figure(line, *how)}" for name, how in FIGURES.items())))
        orders = self._orders(str(line.get("parlay_id", "")))
        if orders.row_count:
            body.add_row(orders)
        for text in self._remarks(line):
            body.add_row(Text(text))
        style = GOOD.get(outcome, "yellow")
        width = min(self._console.width, BOX_WIDTH)
        self._console.print(
            Panel(body, title=Text(title), title_align="left", box=ROUNDED, style=style, width=width)
        )

    def _orders(self, parlay: str) -> Table:
        table = Table.grid(padding=(0, 2))
        for one in self._memory.orders(parlay):
            filled = f"{_number(one.get('fill_count', '0'))} of {_number(one.get('count', '?'))}"
            table.add_row(
                Text(f"leg {one.get('leg', '?')}"),
                Text(_clean(str(one.get("ticker", "?")))),
                Text(f"{filled} at {_limit(one)} or less"),
                Text(_clean(str(one.get("state", "?")))),
                Text("" if "cost_dollars" not in one else _money(one["cost_dollars"])),
            )
        return table

    def _remarks(self, line: Line) -> list[str]:
        parlay = str(line.get("parlay_id", ""))
        told = []
        plan = self._memory.line(parlay, "strategy.chosen")
        skips = [] if plan is None else plan.get("skips", [])
        if isinstance(skips, list):
            told += [
                f"leg {one.get('leg')}: no order, {skip_reason(str(one.get('reason')))}"
                for one in skips
                if isinstance(one, dict)
            ]
        paid = self._memory.line(parlay, "payment.confirmed")
        if paid is not None:
            told.append(f"owed if every leg hits: {_money(paid.get('payout_dollars', '?'))}")
        rest = self._memory.line(parlay, "hedge.unhedged")
        if rest is not None:
            told.append(f"unhedged {_money(rest.get('dollars', '?'))}: {rest.get('decision')}")
        return [_clean(one) for one in told]


def open_screen(memory: Memory) -> Screen:
    """Give the screen on standard output."""
    return Screen(sys.stdout, memory)


def _said(line: Line) -> str:
    return sentence({name: value for name, value in line.items() if name != "docs"})


def _short(parlay: object) -> str:
    return (
        _clean(parlay[:SHORT_PARLAY]).ljust(SHORT_PARLAY) if isinstance(parlay, str) else " " * SHORT_PARLAY
    )


def _limit(order: Line) -> str:
    price = order.get("price", "?")
    # The price is always that of YES; an ask buys NO.
    on_no = order.get("side") == "ask" and _is_decimal(price)
    return _money(1 - Decimal(str(price)) if on_no else price)


def _figure(line: Line, field: str, kind: str) -> str:
    value = line.get(field, "?")
    return _money(value) if kind == "money" else _number(value)


def _money(value: Any) -> str:
    return money(str(value)) if _is_decimal(value) else _clean(str(value))


def _number(value: Any) -> str:
    return number(str(value)) if _is_decimal(value) else _clean(str(value))


def _is_decimal(value: Any) -> bool:
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _clean(text: str) -> str:
    return CONTROL.sub(lambda sign: repr(sign[0])[1:-1], text)
