"""The browser extension, as far as the service can see: the calls it makes, and nothing cleverer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aiohttp

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
USER = "user_1795300000000_k3j9x0q2z"

SEA = "KXNFLGAME-26NOV29SEALA-SEA"  # 43 cents
LA = "KXNFLGAME-26NOV29SEALA-LA"  # 59 cents, YES bid 57
BOS = "KXNBAGAME-26NOV29BOSNYK-BOS"  # 52 cents, on another shard
WARM = "KXHIGHNY-26NOV29-T60"  # 65 cents, YES bid 63
HOT = "KXHIGHNY-26NOV29-T70"  # 15 cents, YES bid 13
BTC = "KXBTCD-26NOV29-T100000"  # 35.7 cents, on a grid of tenths
CLOSED = "KXNFLGAME-26NOV15DALPHI-DAL"
PAUSED = "KXNFLGAME-26NOV29GBCHI-GB"
NO_ASK = "KXNFLGAME-26NOV29MIABUF-MIA"

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["code"])


@dataclass
class Extension:
    """One user's extension."""

    http: aiohttp.ClientSession
    base: str
    user: str = USER
    saved: list[Json] = field(default_factory=list)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one call; every answer, errors included, has to be a JSON object."""
        sent = {} if method == "GET" else {"Origin": ORIGIN}
        async with self.http.request(
            method, self.base + path, json=body, data=data, headers={**sent, **(headers or {})}
        ) as reply:
            return Reply(reply.status, await reply.json())

    async def got(self, path: str) -> Any:
        reply = await self.call("GET", path)
        assert reply.status == 200, reply
        return reply.body

    async def found(self, ticker: str) -> Json:
        """Look at a market's page and give the bet that its button saves."""
        page = await self.got(f"/api/kalshi/market/{ticker.rpartition('-')[0].lower()}")
        option = next(contract for contract in page["contracts"] if contract["ticker"] == ticker)
        return {
            "marketId": page["id"],
            "marketTitle": page["title"],
            "marketUrl": f"https://kalshi.com/markets/{page['id'].lower()}",
            "imageUrl": page["imageUrl"],
            "optionId": option["id"],
            "optionLabel": option["label"],
            "prob": option["prob"],
            "ticker": option["ticker"],
            "environment": "demo",
        }

    async def add(self, ticker: str, /, **changes: Any) -> Reply:
        return await self.call("POST", f"/api/parlay/{self.user}", {**await self.found(ticker), **changes})

    async def save(self, *tickers: str, **changes: Any) -> list[Json]:
        """Save bets that have to be taken."""
        for ticker in tickers:
            reply = await self.add(ticker, **changes)
            assert reply.status == 200, reply
            self.saved.append(reply.body["bet"])
        return self.saved

    async def bets(self) -> list[Json]:
        listed: list[Json] = (await self.got(f"/api/parlay/{self.user}"))["bets"]
        return listed

    async def ask(self, stake: Any, bets: Sequence[Json] | None = None) -> Reply:
        legs = [
            {name: bet[name] for name in ("marketTitle", "optionLabel", "prob")}
            for bet in (self.saved if bets is None else bets)
        ]
        return await self.call("POST", "/api/quote", {"bets": legs, "stake": stake})

    async def quote(self, stake: Any = 5, bets: Sequence[Json] | None = None) -> Json:
        reply = await self.ask(stake, bets)
        assert reply.status == 200, reply
        made: Json = reply.body["quote"]
        return made

    async def check_out(self, quote: Json, bets: Sequence[Json] | None = None, **changes: Any) -> Reply:
        body = {
            "userId": self.user,
            "stake": quote["stake"],
            "parlayBets": self.saved if bets is None else bets,
            "quote": quote,
            "environment": "demo",
        }
        return await self.call("POST", "/api/create-checkout-session", {**body, **changes})

    async def checked_out(self, quote: Json) -> str:
        """Open a payment and give its session."""
        reply = await self.check_out(quote)
        assert reply.status == 200, reply
        return str(reply.body["sessionId"])

    async def history(self) -> list[Json]:
        listed: list[Json] = (await self.got(f"/api/parlay-history/{self.user}"))["parlays"]
        return listed
