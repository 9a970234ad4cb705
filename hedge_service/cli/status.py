"""`status`: how everything stands, from the database alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import config_option
from hedge_service.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from hedge_service.store.leases import Lease
    from hedge_service.store.overview import LastReconciliation, Overview, Waiting


@click.command()
@config_option
@ops.json_option
def status(config_path: Path | None, *, as_json: bool) -> None:
    """Show mode, halt, sender, parlays, orders under way, inbox, caps and the last reconciliation.

    The mode is that of the service that runs; while none does, the configured one.

    \b
    Example: hedge-service status --json
    """  # noqa: D301 - click reads the control character
    from hedge_service.store.identity import account_name  # noqa: PLC0415 - heavy imports where they are used
    from hedge_service.store.overview import overview  # noqa: PLC0415
    from hedge_service.web.ops import bodies  # noqa: PLC0415 - the page tells the same

    config, now = ops.configured(config_path), SystemClock().now()
    account = account_name(config)
    seen = ops.read(config, lambda tx: overview(tx, account=account, now=now))
    body = bodies.status(config, account, seen, now)
    if as_json:
        ops.print_json(body)
    else:
        _show(body, seen, now, configured=config.mode.value)


def _show(body: dict[str, Any], seen: Overview, now: datetime, *, configured: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_header=False, box=None)
    other = "" if body["mode"] == configured else f" (configured here: {configured})"
    table.add_row("mode", f"{body['mode']}{other} on {body['environment']}, account {body['account']}")
    table.add_row("sending", _sending(seen))
    table.add_row("sender", _sender_line(seen.lease, now))
    table.add_row("parlays", ", ".join(f"{n} {state}" for state, n in seen.parlays.items()) or "none")
    for state, one in seen.orders.items():
        table.add_row(f"orders {state.value}", _waiting_line(one, now))
    table.add_row("inbox", _waiting_line(seen.inbox, now))
    table.add_row("parked payments", str(seen.parked_payments))
    table.add_row("refunds not made", _waiting_line(seen.refunds_unmade, now))
    table.add_row("open disputes", _waiting_line(seen.open_disputes, now))
    day, owed = body["day"], body["open_payout"]
    table.add_row("reserved today", f"${day['reserved_dollars']} of ${day['cap_dollars']}")
    table.add_row("open payout", f"${owed['dollars']} of ${owed['cap_dollars']}")
    table.add_row("reconciliation", _reconciliation_line(seen.reconciliation, now))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table)
    for difference in () if seen.reconciliation is None else seen.reconciliation.differences:
        console.print(f"  differs: {difference.sentence()}")


def _sending(seen: Overview) -> str:
    return "allowed" if seen.halt is None else f"HALTED by {seen.halt.actor}: {seen.halt.reason}"


def _sender_line(lease: Lease | None, now: datetime) -> str:
    if lease is None or lease.expires_at <= now:
        return "none: no service holds the lease"
    ready = "ready" if lease.reconciled_at is not None else "has not read the exchange yet"
    return f"{lease.holder}, epoch {lease.epoch}, {ready}"


def _waiting_line(one: Waiting, now: datetime) -> str:
    return "0" if one.oldest is None else f"{one.count}, the oldest since {ops.age(now - one.oldest)}"


def _reconciliation_line(last: LastReconciliation | None, now: datetime) -> str:
    return "none yet" if last is None else f"{last.result.value}, {ops.age(now - last.at)} ago"
