"""Faults: what can go wrong on the way in, inside the exchange, on the way out and in reads.

FAULTS is the one table of them; tests enumerate it.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from random import Random

CREATES: Final = r"POST /portfolio/events/orders"
ORDER_READS: Final = r"GET /(portfolio|historical)/orders(/[^/]+)?"
FILL_READS: Final = r"GET /(portfolio|historical)/fills"
Carried = TypeVar("Carried")
LISTS: Final = r"GET /(portfolio|historical)/(orders|fills)|GET /portfolio/(positions|settlements)"


class Stage(StrEnum):
    """Where a fault bites; one request meets at most one fault of WIRE, any number of the others."""

    WIRE = "wire"  # the request or the reply on its way
    ENGINE = "engine"  # how a create is processed
    VIEW = "view"  # what a read shows
    STATE = "state"  # the exchange itself changes


class FaultKind(StrEnum):
    """Every fault the exchange can make."""

    RESET_BEFORE_ACCEPT = "reset_before_accept"
    REPLY_LOST_AFTER_ACCEPT = "reply_lost_after_accept"
    HANG_BEFORE_ACCEPT = "hang_before_accept"
    HANG_AFTER_ACCEPT = "hang_after_accept"
    ACCEPT_LATE = "accept_late"
    SERVER_ERROR_BEFORE_ACCEPT = "server_error_before_accept"
    SERVER_ERROR_AFTER_ACCEPT = "server_error_after_accept"
    HTML_BAD_GATEWAY_BEFORE_ACCEPT = "html_bad_gateway_before_accept"
    HTML_BAD_GATEWAY_AFTER_ACCEPT = "html_bad_gateway_after_accept"
    SERVICE_UNAVAILABLE_BEFORE_ACCEPT = "service_unavailable_before_accept"
    SERVICE_UNAVAILABLE_AFTER_ACCEPT = "service_unavailable_after_accept"
    GARBAGE_BODY = "garbage_body"
    TRUNCATED_BODY = "truncated_body"
    NO_ORDER_ID = "no_order_id"
    GONE = "gone"
    TOO_MANY_REQUESTS = "too_many_requests"
    RESEND_REFUSED = "resend_refused"
    ID_FORGOTTEN = "id_forgotten"
    PARTIAL_FILL = "partial_fill"
    LATE_READS = "late_reads"
    INVISIBLE_ORDER = "invisible_order"
    STALE_STATUS = "stale_status"
    FILLS_TWICE = "fills_twice"
    PAGE_DROPPED = "page_dropped"
    PAGE_TRUNCATED = "page_truncated"
    PAGING_ENDS_EARLY = "paging_ends_early"
    PAUSE = "pause"
    CLOCK_OFFSET = "clock_offset"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """A fault's place, the routes it meets unless told otherwise, and what it does."""

    stage: Stage
    does: str
    route: str = CREATES
    resends_only: bool = False
    accepts: bool | None = None  # for creates: whether the order exists afterwards; None: as without it


def _wire(does: str, *, accepts: bool | None = None) -> FaultSpec:
    return FaultSpec(stage=Stage.WIRE, does=does, accepts=accepts)


def _view(does: str, route: str) -> FaultSpec:
    return FaultSpec(stage=Stage.VIEW, does=does, route=route)


FAULTS: Final[dict[FaultKind, FaultSpec]] = {
    FaultKind.RESET_BEFORE_ACCEPT: _wire("connection reset, nothing done", accepts=False),
    FaultKind.REPLY_LOST_AFTER_ACCEPT: _wire("done, connection closed without a reply", accepts=True),
    FaultKind.HANG_BEFORE_ACCEPT: _wire("no answer for `seconds`, closed, nothing done", accepts=False),
    FaultKind.HANG_AFTER_ACCEPT: _wire("done, no answer for `seconds`, then closed", accepts=True),
    FaultKind.ACCEPT_LATE: _wire("nothing for `seconds`, then done and answered", accepts=True),
    FaultKind.SERVER_ERROR_BEFORE_ACCEPT: _wire("500, nothing done", accepts=False),
    FaultKind.SERVER_ERROR_AFTER_ACCEPT: _wire("done, 500", accepts=True),
    FaultKind.HTML_BAD_GATEWAY_BEFORE_ACCEPT: _wire("502 with a web page, nothing done", accepts=False),
    FaultKind.HTML_BAD_GATEWAY_AFTER_ACCEPT: _wire("done, 502 with a web page", accepts=True),
    FaultKind.SERVICE_UNAVAILABLE_BEFORE_ACCEPT: _wire("503, nothing done", accepts=False),
    FaultKind.SERVICE_UNAVAILABLE_AFTER_ACCEPT: _wire("done, 503", accepts=True),
    FaultKind.GARBAGE_BODY: _wire("done, right status, body is no JSON", accepts=True),
    FaultKind.TRUNCATED_BODY: _wire("done, right status, half of the body", accepts=True),
    FaultKind.NO_ORDER_ID: _wire("done, right status, no order_id", accepts=True),
    FaultKind.GONE: _wire("410 deprecated_v1_order_endpoint, nothing done", accepts=False),
    FaultKind.TOO_MANY_REQUESTS: _wire("429, nothing done", accepts=False),
    FaultKind.RESEND_REFUSED: FaultSpec(
        stage=Stage.WIRE,
        does="400 with `code` for a create whose id is already taken",
        resends_only=True,
        accepts=False,
    ),
    FaultKind.ID_FORGOTTEN: FaultSpec(
        stage=Stage.ENGINE, does="the id is not recognised: a second order", resends_only=True, accepts=True
    ),
    FaultKind.PARTIAL_FILL: FaultSpec(stage=Stage.ENGINE, does="at most `count` contracts fill at once"),
    FaultKind.LATE_READS: FaultSpec(
        stage=Stage.ENGINE, does="the order shows in reads after `seconds`; user_data_timestamp waits for it"
    ),
    FaultKind.INVISIBLE_ORDER: FaultSpec(
        stage=Stage.ENGINE, does="the order and its fills never show; position and cash do"
    ),
    FaultKind.STALE_STATUS: _view("orders show as resting and unfilled", ORDER_READS),
    FaultKind.FILLS_TWICE: _view("every fill row comes twice", FILL_READS),
    FaultKind.PAGE_DROPPED: _view("an empty page whose cursor leads past its rows", LISTS),
    FaultKind.PAGE_TRUNCATED: _view("half of the page's rows, cursor as if all were there", LISTS),
    FaultKind.PAGING_ENDS_EARLY: _view("no cursor, whatever is left", LISTS),
    FaultKind.PAUSE: FaultSpec(stage=Stage.STATE, does="trading pauses before this create; see `after`"),
    FaultKind.CLOCK_OFFSET: FaultSpec(
        stage=Stage.STATE, does="the clock jumps to an offset of `seconds`", route=r".*"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a fault may be matched on."""

    route: str  # "POST /portfolio/events/orders": method and path after the prefix
    client_order_id: str = ""
    ticker: str = ""
    resend: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """A fault in waiting: skips `after` matching requests, then meets the next `times` (None: all)."""

    kind: FaultKind
    times: int | None = 1
    after: int = 0
    route: str = ""
    client_order_id: str | None = None
    ticker: str | None = None
    probability: float = 1.0
    seconds: float | None = None
    count: int = 0  # centis
    code: str = "insufficient_balance"
    shard: int | None = None
    taken: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def spec(self) -> FaultSpec:
        """The fault's row of the table."""
        return FAULTS[self.kind]

    @property
    def spent(self) -> bool:
        """Whether it has met all requests it was meant for."""
        return self.times is not None and self.taken >= self.times

    def meets(self, subject: Subject) -> bool:
        """Say whether a request is one this fault is meant for."""
        pattern = self.spec.route if self.route == "" else self.route
        return (
            not self.spent
            and re.fullmatch(pattern, subject.route) is not None
            and self.client_order_id in {None, subject.client_order_id}
            and self.ticker in {None, subject.ticker}
            and (subject.resend or not self.spec.resends_only)
        )

    async def wait(self) -> None:
        """Hang for `seconds`, or until released when no time is set."""
        try:
            await asyncio.wait_for(self.released.wait(), self.seconds)
        except TimeoutError:
            return

    def wire(self) -> dict[str, Any]:
        """Write the fault for the control interface."""
        return {
            "kind": self.kind.value,
            "does": self.spec.does,
            "route": self.spec.route if self.route == "" else self.route,
            "times": self.times,
            "after": self.after,
            "taken": self.taken,
            "client_order_id": self.client_order_id,
            "ticker": self.ticker,
            "probability": self.probability,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class Effects:
    """The faults one request meets."""

    faults: tuple[Fault, ...] = ()

    def of(self, kind: FaultKind) -> Fault | None:
        """Give the fault of a kind, if the request meets one."""
        return next((fault for fault in self.faults if fault.kind is kind), None)

    def staged(self, stage: Stage) -> Iterator[Fault]:
        """Give the faults of a stage."""
        return (fault for fault in self.faults if fault.spec.stage is stage)

    def on_wire(self) -> Fault | None:
        """Give the one fault on the wire, if any."""
        return next(self.staged(Stage.WIRE), None)


NO_EFFECTS: Final = Effects()


@dataclass(slots=True, kw_only=True)
class FaultBoard:
    """The faults in waiting, in the order they were set."""

    rng: Random
    faults: list[Fault] = field(default_factory=list)
    _carried: set[asyncio.Task[Any]] = field(default_factory=set)

    def keep(self, work: Coroutine[Any, Any, Carried]) -> asyncio.Task[Carried]:
        """Run a request's faulty way as a task of its own, kept until it is done."""
        task = asyncio.ensure_future(work)
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)
        return task

    def add(self, fault: Fault) -> None:
        """Set a fault."""
        self.faults.append(fault)

    def clear(self) -> None:
        """Forget all faults and end all hangs."""
        self.release()
        self.faults.clear()

    def release(self) -> None:
        """End all hangs that wait."""
        for fault in self.faults:
            fault.released.set()
            fault.released = asyncio.Event()

    def take(self, subject: Callable[[], Subject]) -> Effects:
        """Give the faults that a request meets, and count them as met."""
        if not self.faults:
            return NO_EFFECTS
        met: list[Fault] = []
        asked = subject()
        for fault in self.faults:
            busy = fault.spec.stage is Stage.WIRE and any(f.spec.stage is Stage.WIRE for f in met)
            if not busy and fault.meets(asked) and self._strikes(fault):
                met.append(fault)
        return Effects(tuple(met))

    def _strikes(self, fault: Fault) -> bool:
        if fault.after > 0:
            fault.after -= 1
            return False
        if fault.probability < 1 and self.rng.random() >= fault.probability:
            return False
        fault.taken += 1
        return True
