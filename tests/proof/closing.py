"""What comes after the sales: doubts ended by a person, money that goes back, results, claims, payouts."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.proof.checker import IN_DOUBT
from tests.proof.reading import rows
from tests.system.extension import BOS, BTC, HOT, SEA, WARM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.proof.theatre import Theatre

OPEN_PARLAYS = "SELECT session_id FROM parlays WHERE state = 'open'"
VOID_LEGS = (
    "SELECT session_id FROM parlays JOIN parlay_legs ON parlay_legs.parlay_id = parlays.id"
    " WHERE ticker LIKE 'KXHIGHNY-%-T70'"
)
RESULTS: Mapping[str, Mapping[str, str]] = {
    SEA: {"result": "yes"},
    BTC: {"result": "yes"},
    BOS: {"result": "no"},
    WARM: {"result": "yes"},
    # Neither: the leg is void.
    HOT: {"result": "scalar", "settlement_value_dollars": "0.5000"},
}


@dataclass
class Closing:
    """Counts what was done, and keeps what went wrong on the way."""

    theatre: Theatre
    done: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    async def end_doubts(self) -> None:
        """Wait until parked orders that the exchange holds have ended by themselves, and end the others."""
        accepted = self.theatre.desk.sandbox.sandbox.exchange.book()["accepted"]
        await self._until(lambda: not any(name in accepted for name in self._parked()))
        for name in self._parked():
            words = ("--as", "absent", "--evidence", "not among the account's orders")
            status, said = await self.theatre.command("resolve", name, *words)
            self.done["parked"] += 1
            if status != 0:
                self.problems.append(f"resolve {name} ended with {status}: {said}")

    def _parked(self) -> list[str]:
        return [row[0] for row in rows(self.theatre.database, IN_DOUBT)]

    async def send_money_back(self) -> None:
        """Refund some payments at Stripe, whole and in part, and let payers dispute some others."""
        share = -(-len(self._sessions(OPEN_PARLAYS)) // 25)
        # The stand-in refunds nothing that was ever disputed: the stake of a void leg's parlay would stay.
        void = {*self._sessions(VOID_LEGS)}
        disputed = [one for one in self._sessions(OPEN_PARLAYS) if one not in void]
        won, lost = disputed[:share], disputed[share : 2 * share]
        others = [one for one in self._sessions(OPEN_PARLAYS) if one not in {*won, *lost}]
        await self._refund(others[:share], "refunded")
        await self._refund(others[share : 2 * share], "refunded_in_part", amount=50)
        for session in (*won, *lost):
            opened = await self._control("stripe/dispute", session=session)
            word = "won" if session in won else "lost"
            await self._control("stripe/dispute", dispute=opened["dispute"]["id"], close=word)
            self.done[f"disputes_{word}"] += 1

    async def _refund(self, sessions: Sequence[str], word: str, **amount: int) -> None:
        for number, session in enumerate(sessions):
            if number % 3 == 0:
                await self._control("stripe/settings", drop=1)
            await self._control("stripe/refund", session=session, **amount)
            self.done[word] += 1
        await self._control("stripe/settings", drop=0)

    async def settle_markets(self) -> None:
        """Let every market get its result, and kill the service between two of them."""
        for number, (ticker, result) in enumerate(RESULTS.items()):
            body = {"ticker": ticker, **result}
            await self._control("exchange/settle", **body, status="determined")
            if number == 2:
                await self.theatre.restart()
            await self._control("exchange/settle", **body, status="finalized")
        await self._until(lambda: not self._sessions(OPEN_PARLAYS))

    async def claim_everything(self) -> None:
        """Claim every parlay twice at once, and kill the service in between; pay one winner outside."""
        restarted = asyncio.create_task(self._restart_soon())
        sessions = [
            row["session_id"] for row in rows(self.theatre.database, "SELECT session_id FROM parlays")
        ]
        for start in range(0, len(sessions), 20):
            await asyncio.gather(*(self._claim(session) for session in sessions[start : start + 20] * 2))
        await restarted
        query = "SELECT user_id, payout_micros FROM parlays WHERE claimed_ms IS NOT NULL LIMIT 1"
        for row in rows(self.theatre.database, query):
            await self._pay_out(row["user_id"], f"{row['payout_micros'] / 1_000_000:.2f}")

    async def _restart_soon(self) -> None:
        await self.theatre.pause(0.3)
        await self.theatre.restart()

    async def _claim(self, session: str) -> None:
        extension = self.theatre.shopper(self.theatre.users[session])
        reply = await self.theatre.patiently(lambda: extension.call("POST", f"/api/claim-winnings/{session}"))
        self.done["claims_paid"] += reply is not None and reply.status == 200

    async def _pay_out(self, user: str, dollars: str) -> None:
        words = ("--amount", dollars, "--reference", f"wire-{user}", "--reason", "paid by bank")
        status, said = await self.theatre.command("payout", user, *words)
        self.done["payouts"] += 1
        if status != 0:
            self.problems.append(f"payout to {user} ended with {status}: {said}")

    async def check_claims(self) -> None:
        """See that just the parlays that are won and not held were claimed, each once."""
        query = (
            "SELECT COUNT(*) FROM parlays p JOIN payments y ON y.session_id = p.session_id"
            " WHERE p.state = 'won' AND (p.claimed_ms IS NULL) = (y.state = 'accepted')"
        )
        wrong = rows(self.theatre.database, query)[0][0]
        if wrong:
            self.problems.append(
                f"{wrong} won parlays are claimed that should not be, or the other way round"
            )

    def _sessions(self, query: str) -> list[str]:
        return [row[0] for row in rows(self.theatre.database, f"{query} ORDER BY session_id")]

    async def _until(self, met: Callable[[], bool]) -> None:
        await self.theatre.until(met, self.theatre.pause, 90)

    async def _control(self, path: str, **body: object) -> dict[str, dict[str, str]]:
        return await self.theatre.desk.sandbox.control(path, **body)


async def close(theatre: Theatre, within_s: float) -> Closing:
    """Play it all. Raises TimeoutError when the service does not come to rest."""
    closing = Closing(theatre)
    await closing.end_doubts()
    await closing.send_money_back()
    await theatre.restart()
    await theatre.settle(within_s)
    await closing.settle_markets()
    await theatre.settle(within_s)
    await closing.claim_everything()
    await theatre.settle(within_s)
    await closing.check_claims()
    return closing
