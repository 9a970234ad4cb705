"""The demo's hands: the browser extension, the payer, and the sandbox's control."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp

from hedge_service.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Sequence

Json: TypeAlias = dict[str, Any]

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
ENVIRONMENT = "demo"
REQUEST_S = 15.0
READY_S = 60.0
READY_POLL_S = 0.05
OK = 200


def open_session() -> aiohttp.ClientSession:
    """Make the session for all of the demo's calls; it must be closed."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_S))


async def call(http: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Json:
    """Make one call and give its JSON. Raises DemoError for anything but a 200 with an object."""
    try:
        async with http.request(method, url, **options) as reply:
            body = await reply.json(content_type=None)
            status = reply.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise DemoError(f"{method} {url}: {type(error).__name__}: {error}") from None
    if status != OK or not isinstance(body, dict):
        raise DemoError(f"{method} {url}: {status} {body}")
    return body


class Extension:
    """Calls the service as version 0.9 of the shipped browser extension does."""

    def __init__(self, http: aiohttp.ClientSession, service_url: str, user_id: str) -> None:
        self._http = http
        self._url = service_url
        self._user_id = user_id

    async def until_ready(self) -> None:
        """Ask until the service says that it may sell and send. Raises DemoError after a while."""
        problem = DemoError("never asked")
        try:
            async with asyncio.timeout(READY_S):
                while True:
                    try:
                        await call(self._http, "GET", f"{self._url}/ready")
                    except DemoError as error:
                        problem = error
                        await asyncio.sleep(READY_POLL_S)
                    else:
                        return
        except TimeoutError:
            raise DemoError(f"not ready within {READY_S:g} s: {problem}") from None

    async def market(self, page: str) -> Json:
        """Call 1: read what a market page offers."""
        return await call(self._http, "GET", f"{self._url}/api/kalshi/market/{page}")

    async def bets(self) -> list[Json]:
        """Call 2: list the saved bets."""
        url = f"{self._url}/api/parlay/{self._user_id}?environment={ENVIRONMENT}"
        return list((await call(self._http, "GET", url))["bets"])

    async def save(self, page: Json, contract: Json) -> Json:
        """Call 3: save one contract of a page as a bet."""
        series = str(page["id"]).split("-", maxsplit=1)[0]
        body = {
            "marketId": page["id"],
            "marketTitle": page["title"],
            "marketUrl": f"https://kalshi.com/markets/{series}/{page['id']}",
            "imageUrl": page["imageUrl"],
            "optionId": contract["id"],
            "optionLabel": contract["label"],
            "prob": contract["prob"],
            "ticker": contract["ticker"],
            "environment": ENVIRONMENT,
        }
        return dict((await self._post(f"/api/parlay/{self._user_id}", body))["bet"])

    async def quote_twice(self, bets: Sequence[Json], stake: int) -> tuple[Json, Json]:
        """Call 5: one click sends two identical requests at once; give both quotes."""
        asked = [{name: bet[name] for name in ("marketTitle", "optionLabel", "prob")} for bet in bets]
        body = {"bets": asked, "stake": stake}
        first, second = await asyncio.gather(self._post("/api/quote", body), self._post("/api/quote", body))
        return first["quote"], second["quote"]

    async def check_out(self, bets: Sequence[Json], quote: Json) -> Json:
        """Call 6: open the payment of a quote, which is echoed whole."""
        body = {
            "userId": self._user_id,
            "stake": quote["stake"],
            "parlayBets": list(bets),
            "quote": quote,
            "environment": ENVIRONMENT,
        }
        return await self._post("/api/create-checkout-session", body)

    async def history(self) -> list[Json]:
        """Call 7: list the parlays bought."""
        url = f"{self._url}/api/parlay-history/{self._user_id}"
        return list((await call(self._http, "GET", url))["parlays"])

    async def _post(self, path: str, body: Json) -> Json:
        return await call(self._http, "POST", self._url + path, json=body, headers={"Origin": ORIGIN})


class SandboxClient:
    """Pays on the Stripe stand-in's page and uses the sandbox's control endpoints."""

    def __init__(self, http: aiohttp.ClientSession, sandbox_url: str) -> None:
        self._http = http
        self._url = sandbox_url

    async def send_webhooks_to(self, service_url: str) -> None:
        """Tell Stripe's stand-in where its webhooks go."""
        url = f"{self._url}/sandbox/stripe/settings"
        await call(self._http, "POST", url, json={"url": f"{service_url}/api/webhook"})

    async def pay(self, checkout_url: str) -> str:
        """Pay by card, which sends the webhook, and give the id of Stripe's event."""
        return str((await call(self._http, "POST", checkout_url, json={}))["event"])

    async def deliver_again(self, event_id: str) -> int | None:
        """Deliver a webhook once more and give the service's status; None: it did not answer."""
        url = f"{self._url}/sandbox/stripe/deliver"
        reply = await call(self._http, "POST", url, json={"event_id": event_id})
        status = reply["deliveries"][0]["status"]
        return None if status is None else int(status)

    async def book(self) -> Json:
        """Read the exchange's own book: what it was asked, what it accepted, what it filled."""
        return await call(self._http, "GET", f"{self._url}/sandbox/exchange/book")
