"""Which lines of a log belong to a parlay, and what is kept of each parlay for its summary."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, TypeAlias

from hedge_service.core.ids import intent_id
from hedge_service.core.orders import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Line: TypeAlias = dict[str, Any]

# Ids that belong to one parlay alone. Not the user, who has several, and not the ticker.
LINKS = (
    *("client_order_id", "order_id", "trade_id", "quote_id", "session", "reference", "event_id"),
    *("refund_id", "request_id", "payment_intent", "dispute_id"),
)
MOST_LEGS, MOST_SEQUENCE = 20, 12
LOOK_BACK = 5_000
MOST_PARLAYS = 1_000


class ParlayFilter:
    """Lets the lines of one parlay through, also those that name only its orders, quote or session.

    A line from before the parlay had its id (its quote, its checkout) is let through once a later line ties
    the two together, as long as it is among the last 5,000.
    """

    def __init__(self, parlay_id: str) -> None:
        self._known = {parlay_id, *_intents(parlay_id)}
        self._earlier: deque[Line] = deque(maxlen=LOOK_BACK)

    def take(self, line: Line) -> list[Line]:
        """Give the lines to show now, oldest first."""
        if not self._belongs(line):
            self._earlier.append(line)
            return []
        before, news = len(self._known), [line]
        while news:
            known = self._known.copy()
            self._known.update(_links(news))
            # What is tied to a line that was just tied to the parlay belongs to it, too.
            news = [] if known == self._known else [one for one in self._earlier if self._belongs(one)]
        return [*self._released(), line] if len(self._known) > before else [line]

    def _released(self) -> list[Line]:
        waiting = [(self._belongs(one), one) for one in self._earlier]
        self._earlier = deque((one for mine, one in waiting if not mine), maxlen=LOOK_BACK)
        return [one for mine, one in waiting if mine]

    def _belongs(self, line: Line) -> bool:
        return any(text in self._known for text in _texts(line))


def _links(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        yield from (line[link] for link in LINKS if isinstance(line.get(link), str))


def _intents(parlay_id: str) -> Iterator[str]:
    """Give the ids that the parlay's intents have: lines of an intent need not name its parlay."""
    for leg in range(1, MOST_LEGS + 1):
        for purpose in Purpose:
            for sequence in range(MOST_SEQUENCE + 1):
                yield intent_id(parlay=parlay_id, leg=leg, purpose=purpose.value, sequence=sequence)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for item in value:
                yield from _texts(item)


class Memory:
    """Keeps the last line of each order and the plan of the parlays seen last, for their summaries."""

    def __init__(self) -> None:
        self._parlays: OrderedDict[str, dict[str, Line]] = OrderedDict()

    def keep(self, line: Line) -> None:
        """Remember what a summary of the line's parlay will show."""
        parlay, event = line.get("parlay_id"), line["event"]
        if not isinstance(parlay, str):
            return
        order = line.get("client_order_id")
        if event.startswith("order.") and isinstance(order, str):
            self._of(parlay)[order] = line
        elif event in {"payment.confirmed", "strategy.chosen", "hedge.unhedged"}:
            self._of(parlay)[event] = line

    def orders(self, parlay: str) -> list[Line]:
        """Give the last line of each order of a parlay, in the order of their first ones."""
        return [line for name, line in self._parlays.get(parlay, {}).items() if line["event"] != name]

    def line(self, parlay: str, event: str) -> Line | None:
        """Give the parlay's last line of this event."""
        return self._parlays.get(parlay, {}).get(event)

    def _of(self, parlay: str) -> dict[str, Line]:
        kept = self._parlays.setdefault(parlay, {})
        self._parlays.move_to_end(parlay)
        if len(self._parlays) > MOST_PARLAYS:
            self._parlays.popitem(last=False)
        return kept
