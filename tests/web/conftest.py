"""The public listener on a real database, with fakes for the seams it is wired to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.flow.markets import MarketDesk
from hedge_service.store.db import Database
from hedge_service.store.schema import metadata
from hedge_service.web.guards import own_hosts
from hedge_service.web.keys import Doors, Facts
from hedge_service.web.routes import web_application
from tests.web.web_fakes import (
    SEAHAWKS,
    SECRET,
    FakeAccounts,
    FakeCheckouts,
    FakeExchange,
    FakeQuoting,
    FakeReadiness,
    Hands,
    RowIntake,
    binary_market,
    counting,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.pytest_plugin import AiohttpClient

    from tests.web.web_fakes import Client


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/web.db") as opened:
        await opened.write(metadata.create_all)
        yield opened


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def exchange() -> FakeExchange:
    fake = FakeExchange()
    fake.holds(binary_market(SEAHAWKS), binary_market("KXNFLGAME-25NOV16SEALA-LA", "0.585"))
    return fake


@pytest.fixture
def quoting() -> FakeQuoting:
    return FakeQuoting()


@pytest.fixture
def checkouts() -> FakeCheckouts:
    return FakeCheckouts()


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
def readiness() -> FakeReadiness:
    return FakeReadiness()


@pytest.fixture
def facts() -> Facts:
    return Facts(
        version="0.1.0",
        mode="dry_run",
        environment="sandbox",
        bet_environment="demo",
        webhook_secret=SECRET,
        webhook_tolerance_s=300,
        hosts=own_hosts("https://parlay.example"),
    )


@pytest.fixture
def doors(
    database: Database,
    clock: Hands,
    exchange: FakeExchange,
    quoting: FakeQuoting,
    checkouts: FakeCheckouts,
    accounts: FakeAccounts,
    readiness: FakeReadiness,
    facts: Facts,
) -> Doors:
    return Doors(
        database=database,
        clock=clock,
        new_id=counting("req"),
        markets=MarketDesk(exchange, clock),
        quoting=quoting,
        checkouts=checkouts,
        accounts=accounts,
        intake=RowIntake(database),
        readiness=readiness,
        facts=facts,
    )


@pytest.fixture
async def client(doors: Doors, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(web_application(doors))
