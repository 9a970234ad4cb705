"""The summary of each parlay's hedge: stored as a revision, then told; told again rather than never."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hedge_service.clock import millis
from hedge_service.core.summary import summarize
from hedge_service.core.unhedged import hedges
from hedge_service.logs import digest
from hedge_service.store import journal, parlays
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

AT_ONCE = 200


class Summarizer:
    """Makes the next revision when nothing is on the wire and the figures have changed.

    Only the holder of the sender's lease: of several processes one tells.
    """

    def __init__(self, *, database: Database, sender: Sender, clock: Clock, log: Any) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock
        self._log = log

    async def step(self) -> None:
        """Summarize every parlay that may have changed, then tell what is not told yet."""
        if not self._sender.alive():
            return
        try:
            await self._step()
        except Deposed as error:
            self._log.warning("summary.left", reason=str(error))

    async def _step(self) -> None:
        page = await self._database.read(self._page(""))
        while page:
            # Handed in together, they share a commit.
            await asyncio.gather(*(self._database.write(self._revise(parlay_id)) for parlay_id in page))
            page = await self._database.read(self._page(page[-1])) if len(page) == AT_ONCE else ()
        made = await self._database.read(lambda tx: parlays.unemitted(tx, AT_ONCE))
        for parlay, revision, figures, made_at in made:
            self._tell(parlay, revision, figures, millis(made_at) - millis(parlay.accepted_at))
        await asyncio.gather(
            *(self._database.write(self._told(parlay.id, revision)) for parlay, revision, _, _ in made)
        )

    def _page(self, after: str) -> Callable[[Connection], tuple[str, ...]]:
        return lambda tx: parlays.unsettled(tx, AT_ONCE, after)

    def _revise(self, parlay_id: str) -> Callable[[Connection], None]:
        now = self._clock.now()

        def revise(tx: Connection) -> None:
            self._sender.guard(tx)
            parlay = parlays.get(tx, parlay_id)
            intents = journal.of_parlay(tx, parlay_id)
            if parlay is None or any(not intent.at_rest(attempts) for intent, attempts in intents):
                return
            # A later leg of a rolling hedge is skipped only until its turn has come.
            hedged = {intent.leg for intent, _ in hedges(intents)}
            legs = parlays.legs(tx, parlay_id)
            skipped = sum(leg.skip is not None and leg.leg not in hedged for leg in legs)
            summary = summarize(parlay.mode, intents, legs_skipped=skipped)
            parlays.summarized(tx, parlay_id, summary.fields(), summary.outcome.value, now)

        return revise

    def _told(self, parlay_id: str, revision: int) -> Callable[[Connection], None]:
        now = self._clock.now()

        def told(tx: Connection) -> None:
            self._sender.guard(tx)
            parlays.emitted(tx, parlay_id, revision, now)

        return told

    def _tell(self, parlay: parlays.Parlay, revision: int, figures: dict[str, Any], duration_ms: int) -> None:
        self._log.info(
            "hedge.summarized",
            parlay_id=parlay.id,
            session=digest(parlay.session_id),
            stake_dollars=str(parlay.stake),
            revision=revision,
            duration_ms=duration_ms,
            **figures,
        )
