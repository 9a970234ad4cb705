from __future__ import annotations

import pytest

from hedge_service.errors import (
    INTERNAL,
    BadRequest,
    CallerError,
    ConfigError,
    Conflict,
    Fault,
    Forbidden,
    HedgeError,
    NotFound,
    NotReady,
    OutcomeUnknown,
    Peer,
    PeerError,
    PeerPaused,
    PeerUnavailable,
    TooLarge,
    TooMany,
    answer_for,
)


@pytest.mark.parametrize(
    ("error", "status", "fault"),
    [
        (BadRequest("x"), 400, Fault.CALLER),
        (Forbidden("x"), 403, Fault.CALLER),
        (NotFound("x"), 404, Fault.CALLER),
        (Conflict("x"), 409, Fault.CALLER),
        (TooLarge(limit_bytes=262_144), 413, Fault.CALLER),
        (TooMany(retry_after_s=7), 429, Fault.CALLER),
        (CallerError("x"), 400, Fault.CALLER),
        (PeerUnavailable(Peer.EXCHANGE), 502, Fault.PEER),
        (PeerPaused(Peer.EXCHANGE), 503, Fault.PEER),
        (PeerError(Peer.MODEL), 502, Fault.PEER),
        (OutcomeUnknown(Peer.PAYMENTS), 502, Fault.UNKNOWN),
        (NotReady("x"), 503, Fault.OURS),
        (HedgeError("x"), 500, Fault.OURS),
        (ConfigError(("a: b",)), 500, Fault.OURS),
    ],
)
def test_one_table_says_the_status_of_every_error(error: HedgeError, status: int, fault: Fault) -> None:
    assert error.status == status
    assert error.fault is fault
    assert answer_for(error).status == status


def test_an_answer_has_the_fields_the_extension_reads() -> None:
    answer = answer_for(Conflict("The quote has expired", code="quote_expired"))
    assert answer.body() == {
        "error": "The quote has expired",
        "details": "Ask for a new quote.",
        "code": "quote_expired",
    }


@pytest.mark.parametrize("error", [ValueError("secret path"), ConfigError(("secret",)), HedgeError("secret")])
def test_foreign_and_inner_errors_tell_a_client_nothing(error: Exception) -> None:
    assert answer_for(error) == INTERNAL


def test_a_peers_error_names_the_peer_and_keeps_its_reason_for_the_log() -> None:
    error = PeerUnavailable(Peer.EXCHANGE, reason="connection refused by 10.0.0.1")
    assert answer_for(error).body() == {
        "error": "The exchange can't be reached",
        "details": "Try again later.",
        "code": "exchange_unavailable",
    }
    assert error.log_context() == {
        "peer": "exchange",
        "reason": "connection refused by 10.0.0.1",
        "code": "exchange_unavailable",
        "fault": "peer",
        "error": "The exchange can't be reached",
    }


def test_too_many_tells_when_to_come_back() -> None:
    assert answer_for(TooMany(retry_after_s=7)).retry_after_s == 7
    assert answer_for(BadRequest("x")).retry_after_s is None


def test_a_configuration_error_prints_one_line_for_each_problem() -> None:
    assert str(ConfigError(("a: wrong", "b: wrong"))) == "a: wrong\nb: wrong"
