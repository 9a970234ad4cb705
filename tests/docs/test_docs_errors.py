"""The catalogue of failures holds every code that the source can give, and none that it can't."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

import hedge_service.clients.kalshi.errors
import hedge_service.clients.payments_errors
from hedge_service.errors import Peer, PeerError
from hedge_service.failures import FAILURES, GROUPS, link, link_of_line
from hedge_service.logs.events import EVENTS, Level
from tests.docs.source import calls, constants, name_of, text_of, trees

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = re.compile(r"[a-z][a-z0-9_]*")
# Where a code is a positional argument, which one it is.
POSITIONS = {"quote_again": 1, "fail": 1, "Undelivered": 0, "_not_sent": 2}
# Enums that say why, but nothing that went wrong.
GOOD_ENDS = {
    "VerdictReason": None,
    "Purpose": None,
    "Hold": None,  # told as claim_disputed and claim_parked
    "EndReason": {"filled", "dry_run"},
    "ChosenBy": {"default", "model"},
}
# Words for reasons that are no failures: what became of an open checkout, why a quote has no such price.
ELSEWHERE = frozenset({"not_configured"})


def codes() -> Iterator[tuple[str, str]]:
    """Give every code in the source with its place."""
    for path, tree, call in calls():
        place = f"{path}:{call.lineno}"
        for keyword in call.keywords:
            code = text_of(keyword.value, tree) if keyword.arg in {"code", "reason"} else None
            if code is not None and CODE.fullmatch(code) and code not in ELSEWHERE:
                yield code, place
        position = POSITIONS.get(name_of(call.func))
        if position is not None and len(call.args) > position:
            code = text_of(call.args[position], tree)
            if code is not None and CODE.fullmatch(code):
                yield code, place


def defaults() -> Iterator[str]:
    """Give the codes that error classes have of themselves."""
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if name_of(target) == "default_code":
                    yield str(node.value.value)


def reasons() -> Iterator[tuple[str, str]]:
    """Give the values of every enum whose docstring begins with Why, by the enum's name."""
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(name_of(base).endswith("Enum") for base in node.bases):
                said = ast.get_docstring(node)
                if said is not None and said.startswith("Why "):
                    yield from ((node.name, value) for value in _values(node))


def _values(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.Assign) and isinstance(member.value, ast.Constant):
            yield str(member.value.value)


def peer_codes() -> set[str]:
    """Give the codes that PeerError and its kinds make of a peer's name."""
    kinds = [PeerError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return {f"{peer.value}_{kind.suffix}" for peer in Peer for kind in kinds}


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    found = dict(codes())
    assert len(found) > 40
    assert {code: place for code, place in found.items() if code not in FAILURES} == {}
    assert set(defaults()) - set(FAILURES) == set()


def test_every_reason_in_the_source_is_in_the_catalogue() -> None:
    missing = {
        f"{enum}.{value}"
        for enum, value in reasons()
        if value not in FAILURES
        and not (enum in GOOD_ENDS and (GOOD_ENDS[enum] is None or value in (GOOD_ENDS[enum] or ())))
    }
    assert missing == set()


def test_every_code_of_a_peer_is_in_the_catalogue() -> None:
    assert hedge_service.clients.kalshi.errors.ExchangeRefused in PeerError.__subclasses__()
    assert hedge_service.clients.payments_errors.PaymentsRefused in PeerError.__subclasses__()
    assert peer_codes() - set(FAILURES) == set()


def test_every_event_at_level_error_is_explained() -> None:
    loud = {
        event.name.replace(".", "_")
        for event in EVENTS.values()
        if {Level.ERROR, Level.CRITICAL} & set(event.levels)
    }
    assert loud - set(FAILURES) == set()


def test_no_code_is_in_the_catalogue_that_the_source_can_not_give() -> None:
    told = constants() | peer_codes() | {name.replace(".", "_") for name in EVENTS}
    # The HTTP library's own refusals are named by their reason phrases.
    told |= {"method_not_allowed", "request_entity_too_large"}
    told |= {f"claim_{word}" for word in ("disputed", "parked")}
    assert {code for code in FAILURES if code not in told} == set()


def test_each_code_is_explained_once_in_two_sentences() -> None:
    assert sum(len(group) for group in GROUPS.values()) == len(FAILURES)
    for one in FAILURES.values():
        assert CODE.fullmatch(one.code)
        for sentence in (one.happened, one.todo):
            assert sentence[0].isupper() or sentence[0] == "`"
            assert sentence.endswith("."), one


def test_a_link_goes_to_the_code_or_to_the_page() -> None:
    assert link("price_drift") == "docs/errors.md#price_drift"
    assert link("somebody_elses_code") == "docs/errors.md"


@pytest.mark.parametrize(
    ("event", "fields", "anchor"),
    [
        ("payment.parked", {"reason": "price_drift"}, "price_drift"),
        ("request.failed", {"code": "store_unavailable", "reason": "disputed"}, "store_unavailable"),
        ("refund.failed", {"code": "charge_expired_for_refund"}, "refund_failed"),
        ("sending.halted", {"reason": "Ann saw something odd"}, "sending_halted"),
        ("log.emitted", {"reason": ["unhashable"], "code": 7}, "log_emitted"),
    ],
)
def test_a_line_at_level_error_points_to_what_explains_it_best(
    event: str, fields: dict[str, object], anchor: str
) -> None:
    assert link_of_line(event, fields) == f"docs/errors.md#{anchor}"
