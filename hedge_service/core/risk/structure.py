"""What is known for certain about markets of one event: that they exclude each other, or lie on one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hedge_service.core.strike import Strike
    from hedge_service.core.venue import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Certain knowledge about markets.

    `exclusive_events`: events of which at most one market ends in YES. `strikes`: by ticker, ranges of the
    number that the market's event is about; two strikes of one event are ranges of the same number.
    A market that is in neither has no structure: it is one more leg of its event.
    """

    exclusive_events: frozenset[str] = frozenset()
    strikes: Mapping[str, Strike] = field(default_factory=dict)


NO_STRUCTURE = Structure()


def structure_of(events: Iterable[Event]) -> Structure:
    """Read the structure of events with their markets.

    An event in which two markets have the same strike is about more than one number (two players, two
    teams), so none of its strikes can be compared.
    """
    known = tuple(events)
    strikes = {ticker: strike for event in known for ticker, strike in _on_one_line(event).items()}
    exclusive = frozenset(event.event_ticker for event in known if event.mutually_exclusive)
    return Structure(exclusive_events=exclusive, strikes=strikes)


def _on_one_line(event: Event) -> dict[str, Strike]:
    markets = event.markets.found.values()
    strikes = {market.ticker: market.strike for market in markets if market.strike is not None}
    return strikes if len(set(strikes.values())) == len(strikes) else {}
