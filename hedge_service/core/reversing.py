"""Taking an execution back that was booked on a person's word, once the exchange's own are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.ledger import BoughtFill, Posting, PostingSet, book_fill, market_settled
from hedge_service.core.market import Side
from hedge_service.core.market_books import BroughtIn, PaidOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hedge_service.core.ledger import Account, Position
    from hedge_service.core.market_books import Event
    from hedge_service.core.money import Price

    Lines = Counter[Account]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """The sets to post, and what is held of the market from then on."""

    sets: tuple[PostingSet, ...]
    held: Position | None


@dataclass(slots=True)
class _Replay:
    """What a market's events post, by what posted it: one execution, the others, settlements."""

    ticker: str
    one: Lines
    others: Lines
    settled: Lines
    held: Position | None = None

    def pay_out(self, value: Price) -> None:
        if self.held is None:
            return
        paid = value if self.held.side is Side.YES else value.complement
        _add(self.settled, market_settled(ticker=self.ticker, held=self.held, value=paid))
        self.held = None


def reverse(events: Sequence[Event], wrong: BoughtFill, value: Price | None) -> Reversal:
    """Reverse `wrong`: afterwards the market's accounts and position are as if it had never been booked.

    `events`: all of the market in the order of their booking, `wrong` among them and those reversed before
    left out. `value`: what one YES contract paid, when the market has been settled in the books.

    The market is worked out twice, with and without `wrong`; the sets are the differences, so every account
    is exact, also where its contracts were averaged with others, sold, or paid out in between. One case can
    differ from the real executions booked alone, by less than the exchange's precision (0.0001 dollar): other
    contracts that `wrong` had netted to nothing before the settlement. They are netted with the real ones as
    the exchange netted them, and not each paid out and rounded by itself.
    """
    with_it = _replay(events, wrong)
    without = _replay([event for event in events if not _is(event, wrong)], wrong)
    if value is not None:
        without.pay_out(value)
    name, ticker = f"reversed:{wrong.trade_id}", wrong.ticker
    sets = [
        _change(name, "fill_reversed", ticker, with_it.one, without.one, parlay_id=wrong.parlay_id),
        # Pairs and averages of executions booked after it: they belong to no parlay in particular.
        _change(f"restated:{wrong.trade_id}", "fills_restated", ticker, with_it.others, without.others),
    ]
    if value is not None:
        cause = f"settlement:{ticker}:{name}"
        sets.append(_change(cause, "market_settled", ticker, with_it.settled, without.settled))
    return Reversal(sets=tuple(sets), held=without.held)


def _replay(events: Iterable[Event], one: BoughtFill) -> _Replay:
    made = _Replay(one.ticker, Counter(), Counter(), Counter())
    for event in events:
        match event:
            case BroughtIn(position):
                made.held = position
            case BoughtFill():
                entry, made.held = book_fill(made.held, event)
                _add(made.one if _is(event, one) else made.others, entry)
            case PaidOut(value):
                made.pay_out(value)
    return made


def _is(event: Event, one: BoughtFill) -> bool:
    return isinstance(event, BoughtFill) and event.trade_id == one.trade_id


def _add(lines: Lines, entry: PostingSet) -> None:
    for posting in entry.postings:
        lines[posting.account] += posting.micros


def _change(
    cause: str, kind: str, ticker: str, before: Lines, after: Lines, *, parlay_id: str | None = None
) -> PostingSet:
    changes = ((account, after[account] - before[account]) for account in dict.fromkeys([*before, *after]))
    postings = tuple(Posting(account, micros) for account, micros in changes if micros)
    return PostingSet(cause=cause, kind=kind, ticker=ticker, postings=postings, parlay_id=parlay_id)
