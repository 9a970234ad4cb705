"""Before each send: what was lately seen of the exchange, and what the intent itself allows."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.clients.kalshi.errors import ExchangeRefused
from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.venue import ApiKeys, Balance
from hedge_service.flow.safety import Safety
from hedge_service.flow.snapshots import (
    BALANCE_MAX_AGE_S,
    MARKET_MAX_AGE_S,
    STATUS_MAX_AGE_S,
    Snapshots,
)
from hedge_service.store.schema import attempts, intents
from tests.flow.money_stage import CREDENTIALS
from tests.flow.order_fakes import Way
from tests.system.extension import LA, WARM
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from tests.flow.order_stage import OrderStage
    from tests.system.sandbox_stage import SandboxStage
    from tests.system.stage import Stage

TICKER = "KXA-1-SEA"
S = AttemptState


class Reads:
    """The fake exchange with cash by shard and a location attestation."""

    def __init__(self, stage: OrderStage) -> None:
        self._exchange = stage.exchange
        self.cash = {0: Money.of(100)}
        self.expires_at: datetime | None = None
        self.forbidden = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    async def balance(self) -> Balance:
        return Balance(cash=Money.ZERO, portfolio_value=Money.ZERO, shards=self.cash, updated_ts=0)

    async def api_keys(self) -> ApiKeys:
        if self.forbidden:
            raise ExchangeRefused(http_status=403, refusal="forbidden")
        return ApiKeys(keys=(), region_expiration=self.expires_at)


@dataclass
class Locked:
    """An order stage whose sends pass the real second locks."""

    stage: OrderStage
    reads: Reads
    snapshots: Snapshots

    async def look(self) -> None:
        """Read every snapshot that is due."""
        for read in (
            self.snapshots.read_status,
            self.snapshots.read_attestation,
            self.snapshots.read_cash,
            self.snapshots.read_markets,
        ):
            await read()

    async def waiting_for(self, reason: str) -> None:
        """Run the dispatcher until an order waits for this."""

        async def told() -> bool:
            return any(each["reason"].startswith(reason) for each in self.stage.log.named("intent.waiting"))

        await self.stage.process.dispatcher.step()
        await self.stage.clock.until(told)

    def not_sent(self) -> dict[str, Any]:
        (line,) = self.stage.log.named("order.not_sent")
        return line


@pytest.fixture
def locked(stage: OrderStage) -> Locked:
    stage.exchange.lists(TICKER)
    reads = Reads(stage)
    snapshots = Snapshots(
        reads=reads,
        database=stage.database,
        sender=stage.process.sender,
        clock=stage.clock,
        dry_run=False,
        log=stage.log,
    )
    most = stage.config.hedging.max_attempts
    safety = Safety(snapshots=snapshots, clock=stage.clock, max_attempts=most)
    stage.process.wire._safety = safety
    return Locked(stage, reads, snapshots)


async def test_an_order_is_sent_when_everything_was_seen_lately(locked: Locked) -> None:
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).state is S.FILLED
    assert locked.stage.log.named("intent.waiting") == []


async def test_before_the_first_look_an_order_waits_and_says_why(locked: Locked) -> None:
    intent = await locked.stage.intent()
    await locked.waiting_for("exchange_status_stale")
    assert locked.stage.exchange.written == []
    await locked.look()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).state is S.FILLED


@pytest.mark.parametrize(
    ("age_s", "reads", "reason"),
    [
        (STATUS_MAX_AGE_S, "read_cash read_markets", "exchange_status_stale"),
        (MARKET_MAX_AGE_S, "read_status read_cash", "market_stale"),
        (BALANCE_MAX_AGE_S, "read_status read_markets", "balance_stale"),
    ],
)
async def test_an_old_look_is_none(locked: Locked, age_s: float, reads: str, reason: str) -> None:
    await locked.stage.intent()
    await locked.look()
    locked.stage.clock.advance(age_s)
    for read in reads.split():
        await getattr(locked.snapshots, read)()
    await locked.waiting_for(reason)
    assert locked.stage.exchange.written == []


async def test_an_order_that_waited_in_vain_says_for_what(locked: Locked) -> None:
    intent = await locked.stage.intent()
    await locked.stage.drive()
    attempt = await locked.stage.only(intent)
    assert (attempt.state, attempt.code) == (S.NOT_SENT, "exchange_status_stale")
    assert locked.not_sent()["reason"] == "exchange_status_stale"


async def test_a_pause_is_waited_out(locked: Locked) -> None:
    locked.stage.exchange.trading = False
    intent = await locked.stage.intent()
    await locked.look()
    assert locked.snapshots.paused()
    await locked.waiting_for("exchange_paused: shard 0 takes no orders")
    locked.stage.exchange.trading = True
    await locked.look()
    assert not locked.snapshots.paused()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).state is S.FILLED


async def test_a_market_that_has_closed_ends_the_attempt(locked: Locked) -> None:
    locked.stage.exchange.lists(TICKER, status=MarketStatus.CLOSED)
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).code == "market_not_open"
    assert (await locked.stage.load(intent)).end_reason == "not_sent"
    assert locked.stage.exchange.written == []


async def test_a_shard_without_cash_ends_the_attempt_and_says_what_to_do(locked: Locked) -> None:
    locked.reads.cash = {0: Money.of("3.10"), 1: Money.of(1000)}
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).code == "insufficient_balance"
    assert locked.not_sent()["detail"] == "shard 0 holds $3.10, the order needs $6.98: move cash to shard 0"


async def test_two_orders_do_not_count_on_the_same_cash(locked: Locked) -> None:
    locked.reads.cash = {0: Money.of(8)}
    locked.stage.exchange.ways.append(Way.HELD)
    first = await locked.stage.intent()
    await locked.look()
    await locked.stage.until(first, S.SENDING)
    second = await locked.stage.intent()
    await locked.waiting_for("insufficient_balance: shard 0 holds $8.00 ($6.98 of it reserved")
    assert (await locked.stage.only(second)).state is S.PLANNED
    assert len(locked.stage.exchange.written) == 1


async def test_an_order_in_doubt_is_sent_again_though_its_own_cash_is_reserved(locked: Locked) -> None:
    locked.reads.cash = {0: Money.of(8)}
    locked.stage.exchange.ways.append(Way.NEVER_ARRIVED)
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.drive()
    attempt = await locked.stage.only(intent)
    assert (attempt.state, attempt.sends) == (S.FILLED, 2)


async def test_an_expired_attestation_ends_the_attempt(locked: Locked) -> None:
    locked.reads.expires_at = locked.stage.clock.now() - timedelta(seconds=1)
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).code == "region_attestation_expired"
    assert locked.stage.exchange.written == []


async def test_a_key_that_may_not_list_keys_leaves_the_attestation_to_the_exchange(locked: Locked) -> None:
    locked.reads.forbidden = True
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.drive()
    assert (await locked.stage.only(intent)).state is S.FILLED
    assert locked.stage.log.named("snapshot.refused")[0]["what"] == "attestation"


async def test_an_impossible_count_of_attempts_halts_sending(locked: Locked) -> None:
    locked.stage.exchange.liquidity[TICKER] = "1"
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.until(intent, S.CANCELLED)
    # What no code of ours does: the journal says that both attempts were sent, and a third is planned.
    await locked.stage.database.write(lambda tx: tx.execute(attempts.update().values(sends=1)))
    await locked.stage.database.write(
        lambda tx: tx.execute(
            attempts.insert().values(
                client_order_id="hs-forged",
                intent_id=intent.id,
                number=0,
                count_centis=100,
                state=S.CANCELLED.value,
                body=b"{}",
                sends=1,
                planned_ms=0,
            )
        )
    )
    await locked.waiting_for(f"2 of at most 2 attempts of {intent.id} were sent already")
    assert await locked.stage.halted() == f"2 of at most 2 attempts of {intent.id} were sent already"
    assert locked.stage.log.named("sending.halted")
    assert len(locked.stage.exchange.written) == 1


async def test_a_new_attempt_that_would_cost_more_than_the_intent_is_not_sent(locked: Locked) -> None:
    locked.stage.exchange.liquidity[TICKER] = "4"
    intent = await locked.stage.intent()
    await locked.look()
    await locked.stage.until(intent, S.CANCELLED)
    dearer = intents.update().values(max_cost_micros=Money.of("6.50").micros)
    await locked.stage.database.write(lambda tx: tx.execute(dearer))
    await locked.stage.drive()
    first, second = await locked.stage.attempts(intent)
    assert (first.state, second.state, second.code) == (S.CANCELLED, S.NOT_SENT, "max_cost")


async def test_an_exchange_that_cannot_be_read_is_told_once(locked: Locked) -> None:
    locked.stage.exchange.down = True
    for _ in range(3):
        await locked.snapshots.read_status()
    assert len(locked.stage.log.named("snapshot.failed")) == 1
    assert locked.snapshots.status() is None
    assert not locked.snapshots.paused()


@asynccontextmanager
async def prepared(folder: Path, control: str, **body: Any) -> AsyncIterator[tuple[SandboxStage, Stage]]:
    """Give a service on a sandbox that was steered before the service read it."""
    async with open_sandbox(CREDENTIALS) as sandbox:
        await sandbox.control(control, **body)
        async with serving(sandbox, folder, {}) as stage:
            await stage.events.one("exchange.reconciled")
            yield sandbox, stage


async def test_a_real_exchange_without_cash_on_the_shard_is_not_asked(tmp_path: Path) -> None:
    balances = {"0": "0.10"}
    async with prepared(tmp_path, "exchange/balances", balances=balances) as (sandbox, stage):
        await stage.summary(await stage.bought(WARM, stake=5), outcome="failed")
        line = await stage.events.one("order.not_sent")
        assert (line["reason"], line["code"]) == ("insufficient_balance", "insufficient_balance")
        assert line["detail"].startswith("shard 0 holds $0.10, the order needs $")
        assert sandbox.creates() == {}


async def test_a_real_account_whose_attestation_is_over_sends_nothing(tmp_path: Path) -> None:
    over = int(time.time()) - 60
    async with prepared(tmp_path, "exchange/settings", region_expiration_ts=over) as (sandbox, stage):
        await stage.summary(await stage.bought(LA, stake=5))
        assert (await stage.events.one("order.not_sent"))["reason"] == "region_attestation_expired"
        assert sandbox.creates() == {}


async def test_quotes_and_checkouts_answer_503_while_the_exchange_is_paused(tmp_path: Path) -> None:
    async with open_sandbox(CREDENTIALS) as sandbox, serving(sandbox, tmp_path, {}) as stage:
        await stage.events.one("exchange.reconciled")
        await stage.extension.save(WARM)
        quote = await stage.extension.quote(5)
        await sandbox.control("exchange/pause")
        seen = len(sandbox.wire)
        await sandbox.until(
            lambda: any(each.path.endswith("/exchange/status") for each in sandbox.wire[seen:])
        )
        refused = await stage.extension.ask(5)
        assert (refused.status, refused.code) == (503, "exchange_paused")
        assert (await stage.extension.check_out(quote)).status == 503
