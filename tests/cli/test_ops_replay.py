"""`replay`: failed events, listed and handled anew."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.core.inbox import NewEvent
from hedge_service.store import inbox
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from tests.cli.ops_desk import Desk


def fail(tx: Connection) -> None:
    for name in ("evt_bad", "evt_late", "evt_good"):
        event = NewEvent(source="stripe", external_id=name, type="x", created_at=NOW, payload=b"{}")
        inbox.put(tx, event, NOW)
    bad, late, good = inbox.due(tx, NOW, 3)
    inbox.handled(tx, bad.id, "unreadable", NOW)
    inbox.postponed(tx, late.id, until=NOW + timedelta(days=999), reason="payments_unavailable")
    inbox.handled(tx, good.id, "accepted", NOW)


def test_failed_events_are_listed_with_why(desk: Desk) -> None:
    assert desk.ok("replay") == "no event has failed\n"
    desk.do(fail)
    said = desk.ok("replay")
    assert "evt_bad x: unreadable" in said
    assert "evt_late x: payments_unavailable" in said
    assert "tried 1 times" in said
    assert "evt_good" not in said
    assert [one["event"] for one in desk.json("replay")["failed"]] == ["evt_late", "evt_bad"]


def test_one_or_all_failed_events_are_handled_anew(desk: Desk) -> None:
    desk.do(fail)
    assert "1 replayed" in desk.ok("replay", "evt_bad", "--reason", "reads now")
    assert desk.json("replay", "--failed") == {"events": ["evt_late"], "more": False}
    due = desk.do(lambda tx: inbox.due(tx, NOW, 9))
    assert [event.external_id for event in due] == ["evt_bad", "evt_late"]
    me = getpass.getuser()
    assert desk.audited() == [
        (me, "replay", "evt_bad", "reads now"),
        (me, "replay", "evt_late", "asked for"),
    ]


def test_what_was_handled_well_is_not_replayed(desk: Desk) -> None:
    desk.do(fail)
    for event, why in (("evt_good", "was handled (accepted)"), ("evt_none", "there is no event")):
        refused = desk.run("replay", event)
        assert (refused.exit_code, why in refused.output) == (1, True)
    assert desk.run("replay", "evt_bad", "--failed").exit_code == 2
    assert desk.audited() == []
