"""Counters and histograms of one service: events as they are logged, times as they are measured."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from hedge_service.core.parlay import HedgeOutcome
from hedge_service.logs.events import Level
from hedge_service.metering.outcomes import OTHER, labels_of, method_of, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

Labelled = TypeVar("Labelled", Counter, Histogram)
MILLIS = 1000.0
UNPROVED = HedgeOutcome.UNKNOWN.value
MOST_FINISHED = 10_000
_STATUS_CLASS = 100
_DOOR = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_DECISION = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LINE = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROUND_TRIP = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_MODEL = (0.25, 0.5, 1, 2, 4, 8, 16)
_PAID_TO_HEDGED = (1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 900, 3600)


class Meters:
    """All that adds up in this process. It hears the log and the exchange's client, and waits for nothing.

    The registry is the service's own: two services in one process never share a figure.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._events = Counter(
            "hedge_events",
            "Log lines, by event, level and the word the event ended in (docs/events.md)",
            ("event", "level", "outcome"),
            registry=self.registry,
        )
        self._lines_told = Counter(
            "hedge_log_lines", "Log lines by level", ("level",), registry=self.registry
        )
        for level in Level:
            # A counter that begins with its first error would show no increase by it.
            self._lines_told.labels(level.value)
        self._requests = Counter(
            "hedge_requests",
            "HTTP requests answered",
            ("listener", "method", "route", "status"),
            registry=self.registry,
        )
        self._doors = self._histogram(
            "hedge_request_seconds", "From a request to its answer", ("listener", "route"), _DOOR
        )
        self._decisions = self._histogram(
            "hedge_quote_decision_seconds",
            "Pricing a quote and choosing its hedge, once everything is read",
            ("strategy",),
            _DECISION,
        )
        self._model = self._histogram(
            "hedge_model_seconds", "The language model's answers", ("outcome",), _MODEL
        )
        self._lines = self._histogram(
            "hedge_limiter_wait_seconds",
            "Time in line for the exchange's tokens before a request may go",
            ("bucket",),
            _LINE,
        )
        self._round_trips = self._histogram(
            "hedge_exchange_round_trip_seconds",
            "From a request's first byte to the exchange's whole reply; outcome none: there was no reply",
            ("method", "path", "outcome"),
            _ROUND_TRIP,
        )
        self._paid_to_hedged = self._histogram(
            "hedge_paid_to_hedged_seconds",
            "From the birth of Stripe's event (whole seconds) to the first proved summary of the hedge",
            ("outcome",),
            _PAID_TO_HEDGED,
        )
        self.finished: deque[tuple[str, int]] = deque(maxlen=MOST_FINISHED)
        """Parlays and revisions of proved summaries that are not timed yet; the oldest are lost when full."""

    def families(self) -> Iterator[Metric]:
        """Give all that has added up, without the library's times of birth: one more series for each."""
        for family in self.registry.collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family

    def heard(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Count a logged event, and take the time it tells."""
        labels = labels_of(level, event, fields)
        _child(self._events, labels).inc()
        _child(self._lines_told, (labels[1],)).inc()
        match event:
            case "request.handled":
                self._request(fields)
            case "quote.created":
                self._take(self._decisions, (str(fields.get("strategy")),), fields.get("decision_ms"))
            case "advice.received" | "advice.missed":
                self._take(self._model, (event.partition(".")[2],), fields.get("latency_ms"))
            case "hedge.summarized":
                self._summarized(fields)

    def waited(self, bucket: str, seconds: float) -> None:
        """Take how long a caller stood in a bucket's line."""
        self._lines.labels(bucket).observe(seconds)

    def answered(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """Take a round trip to the exchange."""
        outcome = "none" if status is None else f"{status // _STATUS_CLASS}xx"
        self._round_trips.labels(method, path, outcome).observe(seconds)

    def hedged(self, outcome: str, seconds: float) -> None:
        """Take how long it took from a payment's birth to its hedge."""
        self._paid_to_hedged.labels(outcome).observe(max(seconds, 0.0))

    def _request(self, fields: Mapping[str, object]) -> None:
        listener, route = str(fields.get("listener", "public")), str(fields.get("route", OTHER))
        _child(self._requests, (listener, method_of(fields), route, str(fields.get("status")))).inc()
        self._take(self._doors, (listener, route), fields.get("duration_ms"))

    def _summarized(self, fields: Mapping[str, object]) -> None:
        revision = fields.get("revision")
        if isinstance(revision, int) and outcome_of("hedge.summarized", fields) != UNPROVED:
            self.finished.append((str(fields.get("parlay_id")), revision))

    @staticmethod
    def _take(histogram: Histogram, labels: tuple[str, ...], millis: object) -> None:
        if isinstance(millis, int | float):
            _child(histogram, labels).observe(millis / MILLIS)

    def _histogram(
        self, name: str, said: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, said, labels, buckets=buckets, registry=self.registry)


@lru_cache(maxsize=4096)
def _child(metric: Labelled, labels: tuple[str, ...]) -> Labelled:
    """Give the series of these labels: the library makes sure of each label anew every time."""
    return metric.labels(*labels)
