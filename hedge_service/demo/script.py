"""The script of one run: what the extension's user and Stripe do, in order, and what is read afterwards."""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hedge_service.demo.client import Extension
from hedge_service.demo.errors import DemoError
from hedge_service.demo.events import EventFeed
from hedge_service.demo.processes import child
from hedge_service.demo.record import PICKS, STAKE, Book, Mode, RunRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    import aiohttp

    from hedge_service.demo.client import Json, SandboxClient
    from hedge_service.demo.processes import Child
    from hedge_service.demo.table import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What both runs share: the folder with the `.env` file, the sandbox, and who watches."""

    folder: Path
    http: aiohttp.ClientSession
    sandbox: SandboxClient
    secrets: Sequence[str]
    settings: Mapping[str, str]
    screen: Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bought:
    """What the extension and the payer got back."""

    bets: Sequence[Json]
    quotes: Sequence[Json]
    session_id: str
    second_delivery_status: int | None


async def run_once(stage: Stage, mode: Mode) -> RunRecord:
    """Play one whole run on a fresh database. Raises DemoError when a step can't be done."""
    user_id = f"user_demo_{time.time_ns() // 1_000_000}_{secrets.token_hex(5)[:9]}"
    before = await stage.sandbox.book()
    async with _service(stage, mode) as (service, url):
        extension = Extension(stage.http, url, user_id)
        await extension.until_ready()
        bought = await _buy(stage, extension, service.feed)
        await service.feed.nth("hedge.summarized")
        bets_after, history = await extension.bets(), await extension.history()
        stage.screen.step("demo", "stops the service with SIGTERM")
        exit_code = await service.stop()
        # Read after the service's end, so that nothing it may still have sent is missed.
        book = Book.since(before, await stage.sandbox.book())
    return RunRecord(
        mode=mode,
        bets=bought.bets,
        quotes=bought.quotes,
        second_delivery_status=bought.second_delivery_status,
        bets_after=bets_after,
        history=history,
        events=service.feed.seen,
        unreadable_lines=service.feed.unreadable,
        leaked=_leaks(stage, mode, {"user id": user_id, "session id": bought.session_id}),
        book=book,
        exit_code=exit_code,
    )


@asynccontextmanager
async def _service(stage: Stage, mode: Mode) -> AsyncIterator[tuple[Child, str]]:
    """Run the service beside the sandbox's `.env` and let Stripe's webhooks come to it."""
    feed = EventFeed("service", stage.screen.event)
    environment = {**service_settings(mode), **stage.settings}
    async with child(
        ["serve"], name=_name(mode), folder=stage.folder, environment=environment, feed=feed
    ) as service:
        started = await service.started("service.started")
        url = f"http://127.0.0.1:{started['port']}"
        await stage.sandbox.send_webhooks_to(url)
        yield service, url


def service_settings(mode: Mode) -> dict[str, str]:
    """Give what the demo tells its service beyond the sandbox's `.env`: free ports, a database of its own."""
    return {
        "HEDGE_SERVICE__PORT": "0",
        "HEDGE_OPS__PORT": "0",
        "HEDGE_DATABASE__URL": f"sqlite+aiosqlite:///{_name(mode)}.db",
        "HEDGE_KALSHI__DRY_RUN": "true" if mode is Mode.DRY_RUN else "false",
    }


async def _buy(stage: Stage, extension: Extension, feed: EventFeed) -> _Bought:
    step = stage.screen.step
    bets = [await _pick(stage, extension, number) for number in range(len(PICKS))]
    step("extension", f"asks what ${STAKE} would pay, by its usual two requests at once")
    quotes = await extension.quote_twice(bets, STAKE)
    step("extension", f"is offered ${quotes[-1]['payout']['adjustedPayout']} and checks out")
    session = await extension.check_out(bets, quotes[-1])
    step("payer", f"pays ${STAKE}.00 by card on Stripe's page")
    event_id = await stage.sandbox.pay(session["checkoutUrl"])
    await feed.nth("webhook.received")
    step("Stripe", "delivers the same webhook a second time")
    status = await stage.sandbox.deliver_again(event_id)
    await feed.nth("webhook.received", 2)
    return _Bought(bets=bets, quotes=quotes, session_id=session["sessionId"], second_delivery_status=status)


async def _pick(stage: Stage, extension: Extension, number: int) -> Json:
    pick = PICKS[number]
    page = await extension.market(pick.page)
    contract = _contract(page, pick.ticker)
    found = f"{contract['label']} at {contract['prob']} % ({page['title']})"
    stage.screen.step("extension", f"opens a page, saves bet {number + 1}: {found}")
    return await extension.save(page, contract)


def _contract(page: Json, ticker: str) -> Json:
    for contract in page["contracts"]:
        if contract["ticker"] == ticker:
            return dict(contract)
    raise DemoError(f"the page {page['id']} does not offer {ticker}")


def _leaks(stage: Stage, mode: Mode, own: Mapping[str, str]) -> list[str]:
    """Name the secrets found in what the service printed."""
    paths = [stage.folder / f"{_name(mode)}{ending}" for ending in (".jsonl", ".stderr")]
    printed = "".join(path.read_text(errors="replace") for path in paths)
    found = [f"secret {number}" for number, secret in enumerate(stage.secrets, 1) if secret in printed]
    return found + [name for name, value in own.items() if value in printed]


def secrets_of(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Give what must not be printed: every value that is no setting, of a key its longest line."""
    given = [str(value) for name, value in environment.items() if not name.startswith("HEDGE_")]
    return tuple(max(value.splitlines(), key=len) for value in given)


def _name(mode: Mode) -> str:
    return mode.value.replace("_", "-")
