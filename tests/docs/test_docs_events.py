"""Log events are declared: each call in the source, and the page that is made of the declarations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hedge_service.flow.order_log import EVENTS as ORDER_EVENTS
from hedge_service.flow.settle import EVENTS as PARLAY_EVENTS
from hedge_service.logs.events import EVENTS, GROUPS, Level
from hedge_service.logs.events.common import ERROR, EVERYWHERE, HEAD
from hedge_service.logs.events.doors import CORRELATIONS
from hedge_service.logs.reference import main, pages
from hedge_service.store.payments import PaymentState
from hedge_service.wire.extension.quote import Correlations
from tests.docs.source import PROJECT, error_context, told

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[a-z_]+\.[a-z_]+")
# Names that are not written where the event is told, and all they can be.
BY_EXPRESSION = {
    "note.event": (),  # the notes themselves are looked at
    "EVENTS[each.verdict.state]": tuple(PARLAY_EVENTS.values()),
    "event": ("market.unclear", "market.unreadable", "market.missing", *ORDER_EVENTS.values()),
    "f'payment.{state.value}'": tuple(
        f"payment.{state.value}" for state in (PaymentState.REFUNDED, PaymentState.CHARGED_BACK)
    ),
}
LEVELS = {level.value for level in Level}
CARRIED = {field.name for field in (*HEAD, *EVERYWHERE)} | {"exc_info"}


def test_the_pages_are_what_the_declarations_say() -> None:
    """`python -m hedge_service.logs.reference` brings them up to date."""
    for name, text in pages().items():
        assert (PROJECT / "docs" / name).read_text(encoding="utf-8") == text, name


def test_the_generator_writes_once_and_tells_what_is_out_of_date(tmp_path: Path) -> None:
    assert main([str(tmp_path), "--check"]) == 1
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    (tmp_path / "events.md").write_text("old")
    assert main(["--check", str(tmp_path)]) == 1


def test_each_event_is_declared_once() -> None:
    assert sum(len(group) for group in GROUPS.values()) == len(EVENTS)


def test_every_event_told_in_the_source_is_declared() -> None:
    names = {
        name: one.place
        for one in told()
        for name in ((one.name,) if one.literal else BY_EXPRESSION[one.name])
    }
    assert {name: place for name, place in names.items() if name not in EVENTS} == {}
    assert all(NAME.fullmatch(name) for name in names)


def test_every_field_named_in_the_source_is_declared() -> None:
    wrong = [
        f"{one.place}: {one.name} {field}"
        for one in told()
        for name in ((one.name,) if one.literal else BY_EXPRESSION[one.name])
        for field in one.fields - CARRIED
        if EVENTS[name].field(field) is None
    ]
    assert wrong == []


def test_what_errors_carry_for_the_log_is_declared() -> None:
    known = {field.name for field in ERROR} | {"code", "error", "details"}
    assert {name: place for name, place in error_context() if name not in known} == {}


def test_every_level_in_the_source_is_declared() -> None:
    wrong = [
        f"{one.place}: {one.name} at {one.level}"
        for one in told()
        if one.literal and one.level in LEVELS and one.level not in EVENTS[one.name].levels
    ]
    assert wrong == []


def test_no_event_is_declared_that_nothing_tells() -> None:
    """The log's own events are told by the pipe and the sink."""
    by_expression = {name for names in BY_EXPRESSION.values() for name in names}
    known = {one.name for one in told()} | by_expression | {"log.emitted", "log.dropped", "log.closed"}
    assert set(EVENTS) <= known


def test_words_that_stand_twice_are_the_same() -> None:
    assert set(CORRELATIONS) == {one.value for one in Correlations}
