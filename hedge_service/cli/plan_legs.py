"""The legs that `plan` is asked for, as typed: TICKER, TICKER:no, TICKER:0.43 or TICKER:no:0.52."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from hedge_service.core.leg import Leg
from hedge_service.core.market import Side
from hedge_service.core.money import MICROS_PER_DOLLAR, Price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hedge_service.core.book import Book
    from hedge_service.core.fees import FeeSchedule
    from hedge_service.core.risk.structure import Structure
    from hedge_service.core.rolling import NotOffered

MOST_LEGS = 12
_SIDES = {side.value: side for side in Side}
_MOST_WORDS = 2


class WrongUse(Exception):  # noqa: N818 - says what was typed
    """What was typed makes no sense; the message is one line and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedLeg:
    """A leg as typed; without a price it is to be read from the exchange."""

    ticker: str
    side: Side
    price: Price | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """The legs at their asks, and what their hedge may be bought from, by ticker.

    `sequence`: the legs in the order in which they settle, or why they don't settle one after the other.
    """

    legs: tuple[Leg, ...]
    sequence: tuple[Leg, ...] | NotOffered
    structure: Structure
    books: Mapping[str, Book]
    fees: Mapping[str, FeeSchedule]


def typed_legs(texts: Sequence[str]) -> tuple[TypedLeg, ...]:
    """Read the legs. Raises WrongUse, also where some legs have a price and others none."""
    if not 1 <= len(texts) <= MOST_LEGS:
        raise WrongUse(f"give 1 to {MOST_LEGS} legs with --leg, not {len(texts)}")
    legs = tuple(_typed(text) for text in texts)
    if len({leg.price is None for leg in legs}) > 1:
        raise WrongUse("give every leg a price (works offline), or none (reads the exchange)")
    return legs


def offline(typed: Sequence[TypedLeg], slippage: Decimal, schedule: FeeSchedule) -> Offers:
    """Take the given prices: any number is offered at each price and `slippage` dollars.

    A leg's event is its ticker without the last part, as the exchange names markets. Legs settle in the order
    given, unless two are of one event.
    """
    from hedge_service.core.book import Book  # noqa: PLC0415 - imports only where needed
    from hedge_service.core.risk.structure import NO_STRUCTURE  # noqa: PLC0415

    legs = tuple(
        Leg(number=number, ticker=one.ticker, event_ticker=_event(one.ticker), side=one.side, ask=one.price)
        for number, one in enumerate(typed, start=1)
        if one.price is not None
    )
    return Offers(
        legs=legs,
        sequence=_in_order_given(legs),
        structure=NO_STRUCTURE,
        books={leg.ticker: Book.endless(_worse(leg.ask, slippage)) for leg in legs},
        fees=dict.fromkeys((leg.ticker for leg in legs), schedule),
    )


def _in_order_given(legs: tuple[Leg, ...]) -> tuple[Leg, ...] | NotOffered:
    from hedge_service.core.rolling import NotInSequence, NotOffered  # noqa: PLC0415

    if len(legs) == 1:
        return NotOffered(reason=NotInSequence.ONE_LEG, legs=(legs[0].number,))
    for first, second in combinations(legs, 2):
        if first.event_ticker == second.event_ticker:
            return NotOffered(reason=NotInSequence.ENDS_TOO_CLOSE, legs=(first.number, second.number))
    return legs


def _worse(ask: Price, slippage: Decimal) -> Price:
    return Price.of(min(ask.dollars + slippage, Decimal(1)))


def _event(ticker: str) -> str:
    return ticker.rpartition("-")[0] or ticker


def _typed(text: str) -> TypedLeg:
    from hedge_service.wire.kalshi.markets import is_ticker  # noqa: PLC0415 - imports only where needed

    ticker, *words = text.split(":")
    if not is_ticker(ticker) or len(words) > _MOST_WORDS:
        raise WrongUse(f"not a leg: {text!r}; write TICKER, TICKER:no, TICKER:0.43 or TICKER:no:0.43")
    side = Side.YES
    if words and words[0].lower() in _SIDES:
        side = _SIDES[words.pop(0).lower()]
    if len(words) > 1:
        raise WrongUse(f"not a leg: {text!r}; its side is yes or no")
    return TypedLeg(ticker=ticker.upper(), side=side, price=_price(text, words[0]) if words else None)


def _price(text: str, word: str) -> Price:
    try:
        price = Price.of(word)
    except ValueError:
        price = None
    if price is None or price.micros in (0, MICROS_PER_DOLLAR):
        raise WrongUse(f"not a leg: {text!r}; its price lies between 0 and 1 dollar, such as 0.43")
    return price
