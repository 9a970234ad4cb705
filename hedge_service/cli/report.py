"""`report`: profit and loss of every parlay, and whether the books add up."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli.start import EXIT_FAILED, config_option, fail, load

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.config import Config
    from hedge_service.core.money import Money
    from hedge_service.core.report import Figures, Report

WIDEST = 1_000
COLUMNS = {
    "stake": "stake",
    "given_back": "given back",
    "payment_fee": "payment fee",
    "hedge_cost": "hedge cost",
    "exchange_fees": "exch. fees",
    "settlement": "settled",
    "payout": "payout",
    "realized": "realized",
    "open_exposure": "open payout",
    "open_positions": "open hedge",
}


@click.command()
@config_option
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only parlays accepted from this day or moment (UTC) on; the checks are always of everything.",
)
@click.option("--exchange", "ask_exchange", is_flag=True, help="Also compare with the exchange's own cash.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def report(config_path: Path | None, since: datetime | None, *, ask_exchange: bool, as_json: bool) -> None:
    """Show stake, fees, hedge, settlement, payout, result and open exposure, per parlay and in total.

    Every amount that two sources tell is checked; a difference is named to the cent and ends with 1.

    \b
    Example: hedge-service report --since 2026-11-01 --json
    """  # noqa: D301 - click reads the control character
    config = load(config_path, live=True)
    start = None if since is None else since.replace(tzinfo=UTC)
    try:
        _check_database(config)
        made = asyncio.run(_made(config, start, ask_exchange=ask_exchange))
    except Unavailable as error:
        fail(str(error), error.code)
    if as_json:
        _print_json(made)
    else:
        _print_table(made)
    if not made.adds_up:
        sys.exit(EXIT_FAILED)


class Unavailable(Exception):  # noqa: N818 - says what the database or the exchange is
    """A source of the report can't be read; the message says which and why, `code` names it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def _check_database(config: Config) -> None:
    # Opening it would make an empty one.
    path = config.database.path
    if path is not None and not path.is_file():
        raise Unavailable(f"there is no database at {path}", code="database_missing")


async def _made(config: Config, since: datetime | None, *, ask_exchange: bool) -> Report:
    from hedge_service.core.report import report as make  # noqa: PLC0415 - heavy imports where they are used
    from hedge_service.store import report as rows  # noqa: PLC0415
    from hedge_service.store.db import Database, StoreUnavailable  # noqa: PLC0415

    pricing = config.pricing
    async with Database(config.database.url) as database:
        try:
            books, opening, resting = await database.read(
                lambda tx: (
                    rows.gather(
                        tx,
                        fee_share=pricing.payment_fee_share,
                        fee_fixed=pricing.payment_fee_fixed_dollars,
                    ),
                    rows.opening_cash(tx),
                    rows.resting_cost(tx),
                )
            )
        except StoreUnavailable as error:
            raise Unavailable(f"the database can't be read: {error}", code="store_unavailable") from None
    if ask_exchange:
        books = replace(books, exchange=await _exchange_cash(config, opening, resting))
    return make(books, since=since)


async def _exchange_cash(config: Config, opening: Money | None, resting: Money) -> Any:
    from hedge_service.clock import SystemClock  # noqa: PLC0415
    from hedge_service.core.report import ExchangeCash  # noqa: PLC0415
    from hedge_service.errors import PeerError  # noqa: PLC0415
    from hedge_service.peers import open_exchange  # noqa: PLC0415

    if opening is None:
        raise Unavailable(
            "the books have not been opened: no live service has read the exchange yet", code="books_not_open"
        )
    async with AsyncExitStack() as stack:
        exchange = await open_exchange(stack, config, SystemClock())
        try:
            balance = await exchange.balance()
        except PeerError as error:
            raise Unavailable(f"the exchange's cash can't be read: {error.code}", code=error.code) from None
    return ExchangeCash(opening=opening, now=balance.cash, resting=resting)


def _print_json(made: Report) -> None:
    from hedge_service.cli import ops  # noqa: PLC0415
    from hedge_service.web.ops import bodies  # noqa: PLC0415 - the page tells the same

    ops.print_json(bodies.money_report(made, made.rows))


def _print_table(made: Report) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    table = Table("parlay", "state", "hedge", title=_title(made))
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for row in made.rows:
        parlay = row.parlay
        hedge = "-" if parlay.hedge is None else parlay.hedge
        table.add_row(parlay.id, parlay.state, hedge, *_cells(row.figures))
    if made.since is None:
        table.add_row("others", "", "", *_cells(made.others))
    table.add_section()
    table.add_row("total", "", "", *_cells(made.total), style="bold")
    # Figures cut short say nothing: on a narrow screen long lines are the lesser evil.
    needed = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    console.width = max(console.width, needed)
    console.print(table)
    for check in made.checks:
        verdict = "adds up" if not check.difference else f"DIFFERS by {check.difference}"
        console.print(f"{check.name}: {check.first} | {check.second}: {verdict}", highlight=False)


def _title(made: Report) -> str:
    return (
        "Report"
        if made.since is None
        else f"Report of parlays accepted since {made.since:%Y-%m-%d %H:%M} UTC"
    )


def _cells(figures: Figures) -> list[str]:
    shown = {name: f"{getattr(figures, name).dollars:.2f}" for name in COLUMNS}
    if figures.payment_fee_estimate:
        # Not told by Stripe yet, and not in the result.
        shown["payment_fee"] += f" (+~{figures.payment_fee_estimate.dollars:.2f})"
    return list(shown.values())
