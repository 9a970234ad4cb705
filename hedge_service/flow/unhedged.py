"""What becomes of a parlay whose hedge could not be bought: carried, or void and paid back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.acceptance import OVER
from hedge_service.core.journal import filled
from hedge_service.core.settlement import ParlayState
from hedge_service.core.unhedged import hedges, over, unhedged
from hedge_service.errors import PeerError
from hedge_service.flow.notes import Note, tell
from hedge_service.flow.voiding import void_and_refund
from hedge_service.store import hedged, journal, parlays
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.unhedged import Unhedged, Worked
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.store.parlays import Parlay, ParlayLeg

AT_ONCE = 50
REASON = "unhedged"
CARRIED, REFUNDED = "carried", "refunded"


class MarketReads(Protocol):
    """The one exchange read that is needed."""

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read these markets now. Raises PeerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A parlay whose hedge is over, and what was not bought of it."""

    parlay: Parlay
    legs: tuple[ParlayLeg, ...]
    rest: Unhedged
    nothing_bought: bool


class UnhedgedParlays:
    """Decides once about each live parlay of whose plan something could not be bought.

    With `refund`, a parlay of which nothing at all was bought is void and its stake goes back, provided that
    no leg's market is over: who knows a result must not choose. Everything else is carried: the payout
    stays owed, and what is unhedged is told.
    """

    def __init__(
        self,
        *,
        database: Database,
        reads: MarketReads,
        sender: Sender,
        refund: bool,
        clock: Clock,
        log: Any,
    ) -> None:
        self._database = database
        self._reads = reads
        self._sender = sender
        self._refund = refund
        self._clock = clock
        self._log = log

    async def step(self) -> None:
        """Decide about every parlay that waits for it."""
        if not self._sender.alive():
            return
        try:
            for parlay_id in await self._database.read(lambda tx: hedged.undecided(tx, AT_ONCE)):
                await self._decide(parlay_id)
        except PeerError as error:
            self._log.warning("unhedged.undecided", **error.log_context())
        except Deposed as error:
            self._log.warning("unhedged.left", reason=str(error))

    async def _decide(self, parlay_id: str) -> None:
        case = await self._database.read(_reading(parlay_id))
        if case is None:
            return
        back = self._refund and case.nothing_bought and await self._open(case)
        tell(self._log, await self._database.write(self._deciding(parlay_id, back=back)))

    async def _open(self, case: _Case) -> bool:
        """Say whether no market of the parlay is over, as the exchange has it now."""
        tickers = tuple(leg.bet.ticker for leg in case.legs)
        listed = await self._reads.markets(tickers)
        now = self._clock.now()
        known = [listed.found.get(ticker) for ticker in tickers]
        return all(
            market is not None and market.status not in OVER and now < market.close_time for market in known
        )

    def _deciding(self, parlay_id: str, *, back: bool) -> Callable[[Connection], tuple[Note, ...]]:
        now = self._clock.now()

        def decide(tx: Connection) -> tuple[Note, ...]:
            self._sender.guard(tx)
            case = _reading(parlay_id)(tx)
            if case is None:
                return ()
            gone = (
                back
                and case.nothing_bought
                and case.parlay.state == ParlayState.OPEN.value
                and void_and_refund(tx, case.parlay, reason=REASON, at=now)
            )
            if not hedged.decided(tx, parlay_id, REFUNDED if gone else CARRIED):
                return ()
            return _notes(case, voided=gone)

        return decide


def _reading(parlay_id: str) -> Callable[[Connection], _Case | None]:
    def read(tx: Connection) -> _Case | None:
        parlay, intents = parlays.get(tx, parlay_id), journal.of_parlay(tx, parlay_id)
        if parlay is None or not over(intents):
            return None
        legs, rest = parlays.legs(tx, parlay_id), unhedged(intents)
        return _Case(parlay=parlay, legs=legs, rest=rest, nothing_bought=_nothing(intents))

    return read


def _nothing(intents: Sequence[Worked]) -> bool:
    return not any(filled(attempts) for _, attempts in hedges(intents))


def _notes(case: _Case, *, voided: bool) -> tuple[Note, ...]:
    about = {"parlay_id": case.parlay.id}
    fields = about | {
        "contracts": str(case.rest.contracts),
        "dollars": str(case.rest.dollars),
        "decision": REFUNDED if voided else CARRIED,
    }
    told = Note(event="hedge.unhedged", fields=fields)
    return (told, Note(event="parlay.voided", fields=about | {"reason": REASON})) if voided else (told,)
