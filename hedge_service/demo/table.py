"""The demo for people: a line for each step and event, tables, and the verdict."""

from __future__ import annotations

from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hedge_service.demo.lines import money, number, sentence, skip_reason
from hedge_service.demo.record import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from hedge_service.demo.events import Event
    from hedge_service.demo.expectations import Expectation
    from hedge_service.demo.record import RunRecord

PLAIN_WIDTH = 160  # when nobody's terminal says otherwise
ROOMY = 120
NAME_WIDTH = len("exchange.reconciled")
SHORT_ID = 8
CLOCK = slice(11, 23)  # the time of day in an ISO timestamp, to the millisecond
SHORT_CLOCK = slice(11, 19)
COLOURS = {"service": "cyan", "quote": "blue", "checkout": "blue", "webhook": "magenta", "payment": "magenta"}
COLOURS |= {"strategy": "yellow", "order": "green", "hedge": "bold green"}
LEVELS = {"warning": "yellow", "error": "red", "critical": "bold red"}
# One for each HTTP request, beside the steps that made them.
QUIET = frozenset({"request.handled"})
TITLES = {
    Mode.DRY_RUN: "1 of 2  Dry run: orders are planned and written down, none is sent",
    Mode.LIVE: "2 of 2  Placing orders: the same again, sent to the sandbox's exchange",
}


class Screen:
    """Shows the demo on a terminal, or plainly in a file."""

    def __init__(self, file: TextIO) -> None:
        if isinstance(file, TextIOWrapper):
            # A terminal that lacks a sign gets a question mark, not a traceback.
            file.reconfigure(errors="replace")
        console = Console(file=file, highlight=False)
        # Without a terminal rich assumes 80 columns, which would break the lines of a log.
        unasked = not console.is_terminal and "COLUMNS" not in console._environ  # noqa: SLF001 - no public way
        self._console = Console(file=file, highlight=False, width=PLAIN_WIDTH) if unasked else console
        self._roomy = self._console.width >= ROOMY
        self._clock = CLOCK if self._roomy else SHORT_CLOCK
        self._ticks = ("✓", "✗") if self._console.encoding.startswith("utf") else ("ok", "NO")

    def opening(self) -> None:
        """Say what is about to happen."""
        self._console.print("[bold]hedge-service demo[/]")
        self._console.print(
            "A paid parlay becomes hedge orders. Sandbox (Kalshi, Stripe, model) and service run as two "
            "processes on this machine; nothing leaves it, and no real money moves."
        )

    def run(self, mode: Mode) -> None:
        """Open a run."""
        self._console.print()
        self._console.rule(f"[bold]{TITLES[mode]}[/]", align="left", style="dim")

    def step(self, who: str, text: str) -> None:
        """Show what somebody does next."""
        self._line(Text(), Text(who, "bold"), Text(text))

    def event(self, event: Event) -> None:
        """Show an event as one sentence, coloured by its kind or, when it is bad news, by its level."""
        if event["event"] in QUIET:
            return
        colour = LEVELS.get(event.get("level", ""), COLOURS.get(event["event"].split(".")[0], "dim"))
        clock = Text(str(event.get("timestamp", ""))[self._clock], "dim")
        name = event["event"]
        # Event names stand in a column of their own where there is room for one.
        shown = name.ljust(NAME_WIDTH) if self._roomy else name
        self._line(clock, Text("service", "dim"), Text.assemble((shown, colour), "  ", sentence(event)))

    def report(self, run: RunRecord) -> None:
        """Show what became of each leg."""
        self._console.print(self._table(run))

    def verdict(self, title: str, expectations: Sequence[Expectation]) -> None:
        """Show each expectation with a tick, or a cross and what was seen."""
        self._console.print(f"[bold]{title}[/]")
        for one in expectations:
            mark = Text(self._ticks[0], "green") if one.held else Text(self._ticks[1], "bold red")
            seen = Text() if one.held else Text(f"\nseen: {one.seen}", "red")
            self._grid((len(self._ticks[0]), mark), (None, Text(one.says) + seen))

    def ending(self, *, failed: int, total: int, took_s: float, kept: str | None) -> None:
        """Say how it went."""
        self._console.print()
        if failed:
            self._console.print(f"[bold red]{failed} of {total} expectations failed[/], in {took_s:.1f} s.")
        else:
            self._console.print(f"[bold green]All {total} expectations held[/], in {took_s:.1f} s.")
        if kept is not None:
            self._console.print(Text(f"Databases and event logs are kept in {kept}"), soft_wrap=True)

    def _line(self, clock: Text, who: Text, text: Text) -> None:
        text.rstrip()
        self._grid((self._clock.stop - self._clock.start, clock), (9, who), (None, text))

    def _grid(self, *cells: tuple[int | None, Text]) -> None:
        grid = Table.grid(padding=(0, 1))
        for width, _ in cells:
            grid.add_column(width=width, overflow="fold")
        grid.add_row(*(text for _, text in cells))
        self._console.print(grid)

    def _table(self, run: RunRecord) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_footer=True)
        summary = run.summary
        table.add_column("leg", footer="all", min_width=3)
        table.add_column("bet", min_width=3, max_width=44, no_wrap=True, overflow="ellipsis")
        for name, least, footer in (
            ("contracts", 9, number(summary["contracts_planned"])),
            ("limit", 5, ""),
            ("filled at", 9, ""),
            ("cost", 5, money(summary["cost_dollars"])),
            ("fee", 7, money(summary["fees_dollars"])),
        ):
            table.add_column(name, min_width=least, footer=footer, justify="right", no_wrap=True)
        table.add_column("order id", footer=str(summary["outcome"]), min_width=SHORT_ID + 5)
        for leg, bet in enumerate(run.bets, 1):
            for row in self._rows(run, leg):
                table.add_row(str(leg), Text(self._bet(bet)), *row)
        return table

    def _bet(self, bet: dict[str, Any]) -> str:
        label = str(bet["optionLabel"])
        return f"{label}  {bet['marketTitle']}" if self._roomy else label

    def _rows(self, run: RunRecord, leg: int) -> list[tuple[str, ...]]:
        orders = [order for order in run.orders if order["leg"] == leg]
        if not orders:
            reason = skip_reason(run.skips.get(leg, "no order"))
            return [("0", "-", "-", "-", "-", f"none: {reason}")]
        return [self._order(order) for order in orders]

    def _order(self, order: Event) -> tuple[str, ...]:
        told = [order.get(name) for name in ("average_fill_price", "cost_dollars", "fees")]
        filled = ("-" if text is None else money(text) for text in told)
        return (number(order["count"]), money(order["price"]), *filled, self._order_id(order))

    def _order_id(self, order: Event) -> str:
        order_id = order.get("order_id")
        if order_id is None:
            return "none: " + str(order["event"]).removeprefix("order.").replace("_", " ")
        return str(order_id) if self._roomy else f"{str(order_id)[:SHORT_ID]}..."
