"""What is counted is what is logged, and no line can make up a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest

from hedge_service.logs import Redactor, configure_logging, get_logger, listening
from hedge_service.metering.meters import Meters
from hedge_service.metering.outcomes import labels_of
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY: dict[str, Any] = {"parlay_id": "p", "revision": 1, "outcome": "executed"}


def value(meters: Meters, name: str, **labels: str) -> float | None:
    return meters.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("event", "fields", "outcome"),
    [
        ("hedge.summarized", {"outcome": "partial"}, "partial"),
        ("hedge.summarized", {"outcome": "made up"}, "other"),
        ("reconciliation.finished", {"result": "agrees"}, "agrees"),
        ("hedge.unhedged", {"decision": "carried"}, "carried"),
        ("request.failed", {"code": "store_unavailable"}, "store_unavailable"),
        ("request.failed", {"code": "whatever a peer says"}, "other"),
        ("service.stopping", {}, ""),
        ("nobody.declared", {"outcome": "x"}, ""),
    ],
)
def test_an_event_is_counted_by_its_declared_word(
    event: str, fields: Mapping[str, object], outcome: str
) -> None:
    name, level, told = labels_of("info", event, fields)
    assert (name, level, told) == ("undeclared" if event.startswith("nobody") else event, "info", outcome)


def test_what_a_client_invents_becomes_no_label() -> None:
    meters = Meters()
    fields = {"route": "unmatched", "status": 405, "method": "BREW-123", "duration_ms": 1.0}
    meters.heard("info", "request.handled", fields)
    labels = {"listener": "public", "method": "other", "route": "unmatched", "status": "405"}
    assert value(meters, "hedge_requests_total", **labels) == 1
    assert b"BREW" not in generate_latest(meters.registry)


def test_the_log_and_the_figures_agree(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    meters, other = Meters(), Meters()
    logging = configure_logging(sys.stdout, Redactor(), lambda: NOW)
    try:
        with listening(meters.heard):
            get_logger().info("hedge.summarized", **SUMMARY)
            get_logger().warning("order.unknown", code="timeout")
            get_logger().debug("hedge.summarized", **SUMMARY)
        get_logger().info("hedge.summarized", **SUMMARY)
    finally:
        logging.restore()
    labels = {"event": "hedge.summarized", "level": "info", "outcome": "executed"}
    assert value(meters, "hedge_events_total", **labels) == 1
    # A second service in the same process has figures of its own.
    assert value(other, "hedge_events_total", **labels) is None
    assert capsys.readouterr().out.count("hedge.summarized") == 2


def test_a_listener_that_fails_loses_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    def broken(level: str, event: str, fields: Mapping[str, object]) -> None:
        raise ValueError(event)

    logging = configure_logging(sys.stdout, Redactor(), lambda: NOW)
    try:
        with listening(broken):
            get_logger().info("order.sent", parlay_id="p")
    finally:
        logging.restore()
    assert "order.sent" in capsys.readouterr().out


def test_times_come_from_what_the_lines_tell() -> None:
    meters = Meters()
    meters.heard(
        "info", "request.handled", {"route": "/ready", "status": 200, "method": "GET", "duration_ms": 2500}
    )
    meters.heard("info", "quote.created", {"strategy": "bands", "decision_ms": 20})
    meters.heard("info", "advice.received", {"latency_ms": 700})
    meters.waited("write", 0.5)
    meters.answered("GET", "/markets", 200, 0.1)
    meters.answered("GET", "/markets", None, 5.0)
    assert value(meters, "hedge_request_seconds_sum", listener="public", route="/ready") == 2.5
    assert value(meters, "hedge_quote_decision_seconds_sum", strategy="bands") == 0.02
    assert value(meters, "hedge_model_seconds_sum", outcome="received") == 0.7
    assert value(meters, "hedge_limiter_wait_seconds_sum", bucket="write") == 0.5
    trip = {"method": "GET", "path": "/markets"}
    assert value(meters, "hedge_exchange_round_trip_seconds_count", **trip, outcome="2xx") == 1
    assert value(meters, "hedge_exchange_round_trip_seconds_count", **trip, outcome="none") == 1


def test_only_proved_summaries_wait_to_be_timed() -> None:
    meters = Meters()
    meters.heard("info", "hedge.summarized", {**SUMMARY, "outcome": "unknown"})
    assert not meters.finished
    meters.heard("info", "hedge.summarized", {**SUMMARY, "revision": 2})
    assert list(meters.finished) == [("p", 2)]
