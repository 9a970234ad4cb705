"""`replay`: events that failed are handled anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import config_option
from hedge_service.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.flow.operating import Operator
    from hedge_service.flow.replaying import Replayed
    from hedge_service.store.ops_inbox import InboxEvent
    from hedge_service.store.ops_paging import Page

SHOWN = 200


@click.command()
@click.argument("event", required=False)
@click.option("--failed", "every", is_flag=True, help="Replay every failed event, 500 at most.")
@click.option("--reason", default="asked for", callback=ops.said, show_default=True, help="Why; kept.")
@config_option
@ops.json_option
def replay(config_path: Path | None, event: str | None, reason: str, *, every: bool, as_json: bool) -> None:
    """Handle an EVENT of the inbox anew that was put off or could not be read; without one, list them.

    The running service handles it. What was handled well stays so: an event has its effects once.

    \b
    Examples:
      hedge-service replay
      hedge-service replay evt_1A2b --reason "read wrongly before 0.2.0"
    """  # noqa: D301 - click reads the control character
    if event is not None and every:
        raise click.UsageError("Give either an event or --failed.")
    if event is None and not every:
        _list(config_path, as_json=as_json)
        return
    by = ops.operator(reason)
    done = ops.write(ops.configured(config_path), lambda tx: _act(tx, event, by))
    if as_json:
        ops.print_json({"events": list(done.events), "more": done.more})
        return
    for external_id in done.events:
        click.echo(f"{external_id}: is handled anew")
    click.echo(f"{len(done.events)} replayed" + ("; more are left: run it again" if done.more else ""))


def _act(tx: Connection, event: str | None, by: Operator) -> Replayed:
    from hedge_service.flow import replaying  # noqa: PLC0415 - heavy imports only where they are used

    return replaying.replay_failed(tx, by) if event is None else replaying.replay(tx, event, by)


def _list(config_path: Path | None, *, as_json: bool) -> None:
    found = ops.read(ops.configured(config_path), _failed)
    if as_json:
        more = found.next is not None
        ops.print_json({"failed": [_body(one) for one in found.items], "more": more})
        return
    now = SystemClock().now()
    for one in found.items:
        waits = "closed" if one.handled_at is not None else f"tried {one.tries} times, is tried again"
        since = ops.age(now - one.received_at)
        click.echo(f"{one.external_id} {one.type}: {one.result}, received {since} ago, {waits}")
    click.echo(f"{len(found.items)} failed" if found.items else "no event has failed")


def _failed(tx: Connection) -> Page[InboxEvent]:
    from hedge_service.store import ops_inbox  # noqa: PLC0415

    return ops_inbox.listed(tx, ops_inbox.Which.FAILED, limit=SHOWN)


def _body(one: InboxEvent) -> dict[str, Any]:
    return {
        "event": one.external_id,
        "type": one.type,
        "received_at": ops.moment(one.received_at),
        "handled_at": ops.moment(one.handled_at),
        "result": one.result,
        "tries": one.tries,
        "next_try_at": ops.moment(one.next_try_at),
    }
