"""`migrate --from --to`: the move of a database, its progress and its proof."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import EXIT_FAILED, fail, point_to
from hedge_service.clock import SystemClock
from hedge_service.crash import VARIABLE, armed, ignore

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.core.moving import Figures, TableFigures
    from hedge_service.crash import Probe
    from hedge_service.flow.moving import Compared

QUIET_S = 2.0
SHOWN_DIGEST = 12


def run(source: str, target: str, *, back: bool, as_json: bool) -> None:
    """Move, or move back, and show the comparison; ends with 1 when that was refused or both sides differ."""
    from hedge_service.flow.moving import Differs  # noqa: PLC0415 - heavy imports only where they are used
    from hedge_service.store.move_target import Target  # noqa: PLC0415
    from hedge_service.store.moves import Closed, MoveRefused  # noqa: PLC0415

    file = _file(source)
    there = Target(_server(target))
    try:
        compared = asyncio.run(_moved(file, there, back=back))
    except (MoveRefused, Closed) as error:
        fail(str(error), error.code)
    except Differs as error:
        _show(error.compared, as_json=as_json, address=there.address)
        _differs(error.compared.differences, back=back)
    _tell_end(compared, there.address, back=back, as_json=as_json)


def _file(source: str) -> Path:
    from hedge_service.config.databases import path_of  # noqa: PLC0415

    path = path_of(_checked("--from", source))
    if path is None:
        raise click.UsageError("--from: is not a SQLite file; only those can be moved")
    return path


def _server(target: str) -> str:
    from hedge_service.config.databases import path_of  # noqa: PLC0415

    if path_of(_checked("--to", target)) is not None:
        raise click.UsageError("--to: is not on PostgreSQL; only there can be moved to")
    return target


def _checked(option: str, url: str) -> str:
    from hedge_service.config.databases import ALLOWED, check_database_url  # noqa: PLC0415

    try:
        return check_database_url(url)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}; allowed: {ALLOWED}") from None


async def _moved(source: Path, target: Any, *, back: bool) -> Compared | None:
    from hedge_service.flow.moving import Moving  # noqa: PLC0415

    async with target:
        moving = Moving(
            source=source,
            target=target,
            by=ops.operator("moved"),
            new_id=lambda: secrets.token_hex(16),
            probe=_probe(source),
            told=Progress(),
        )
        if back:
            await moving.back()
            return None
        return await moving.move()


def _probe(source: Path) -> Probe:
    """Give the tests' kill switch, which has no business near real money: only to a sandbox's database."""
    from hedge_service.store.move_source import environment_of  # noqa: PLC0415

    if VARIABLE not in os.environ or environment_of(source) != "sandbox":
        return ignore
    return armed(os.environ)


class Progress:
    """Says on standard error how far it has got, once it takes a while."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._next = self._clock.monotonic() + QUIET_S

    def __call__(self, step: str, done: int, whole: int) -> None:
        """Say it, at most every few seconds."""
        if self._clock.monotonic() >= self._next:
            self._next = self._clock.monotonic() + QUIET_S
            click.echo(f"{step} {done:,} of {whole:,} rows", err=True)


def _differs(differences: tuple[str, ...], *, back: bool) -> None:
    for one in differences:
        click.echo(f"hedge-service: {one}", err=True)
    code = "written_since_move" if back else "move_differs"
    point_to(code)
    sys.exit(EXIT_FAILED)


def _tell_end(compared: Compared | None, address: str, *, back: bool, as_json: bool) -> None:
    if compared is not None:
        _show(compared, as_json=as_json, address=address)
        if not as_json:
            click.echo(
                f"moved to {address}; the source is retired. Sending stays halted until `resume` there."
            )
    elif as_json:
        ops.print_json({"address": address, "moved": not back, "equal": None})
    elif back:
        click.echo(f"moved back from {address}, which is closed. Sending stays halted until `resume` here.")
    else:
        click.echo(f"moved to {address} before; nothing was done")


def _show(compared: Compared, *, as_json: bool, address: str) -> None:
    if as_json:
        ops.print_json(_body(compared, address))
    else:
        _table(compared)


def _body(compared: Compared, address: str) -> dict[str, Any]:
    return {
        "address": address,
        "moved": not compared.differences,
        "equal": not compared.differences,
        "differences": list(compared.differences),
        "source": _side(compared.source),
        "target": _side(compared.target),
    }


def _side(figures: Figures) -> dict[str, Any]:
    tables = {
        name: {"rows": one.rows, "sums": dict(one.sums), "last_id": one.last_id, "sha256": one.digest}
        for name, one in sorted(figures.tables.items())
    }
    return {
        "tables": tables,
        "accounts": dict(sorted(figures.accounts.items())),
        "ledger_sum_micros": sum(figures.accounts.values()),
        "unbalanced_sets": list(figures.unbalanced),
        "broken_foreign_keys": list(figures.orphans),
    }


def _table(compared: Compared) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415

    table = Table("table", box=None)
    table.add_column("rows", justify="right")
    table.add_column("sums")
    table.add_column("sha256")
    table.add_column("")
    for name, ours in sorted(compared.source.tables.items()):
        theirs = compared.target.tables[name]
        table.add_row(name, *_cells(ours, theirs), "equal" if _equal(ours, theirs) else "DIFFERS")
    rows = sum(one.rows for one in compared.target.tables.values())
    ledger = sum(compared.target.accounts.values())
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table)
    console.print(
        f"rows {rows:,}; ledger sums to {ledger}, {_count(compared.target.unbalanced)} unbalanced sets"
    )
    console.print(f"{_count(compared.target.orphans)} broken foreign keys; new ids follow the old ones")


def _cells(ours: TableFigures, theirs: TableFigures) -> tuple[str, str, str]:
    sums = "\n".join(f"{name} {_both(value, theirs.sums[name])}" for name, value in ours.sums.items())
    digest = _both(ours.digest[:SHOWN_DIGEST], theirs.digest[:SHOWN_DIGEST])
    return _both(ours.rows, theirs.rows), sums, digest


def _both(ours: object, theirs: object) -> str:
    return str(ours) if ours == theirs else f"{ours}, there {theirs}"


def _equal(ours: TableFigures, theirs: TableFigures) -> bool:
    return (ours.rows, ours.sums, ours.digest) == (theirs.rows, theirs.sums, theirs.digest)


def _count(found: tuple[str, ...]) -> str:
    return str(len(found)) if found else "no"
