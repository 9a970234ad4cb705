"""A paid parlay that is hedged by rolling, its markets in sequence, and the loop that rolls it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import Purpose, TimeInForce
from hedge_service.core.parlay import Mode
from hedge_service.core.rolling import Costs
from hedge_service.core.settlement import Ending, VoidRule
from hedge_service.flow import settling
from hedge_service.flow.rolling import Rolling
from hedge_service.flow.rolling_books import RollingRules
from hedge_service.flow.runner import Nudge
from hedge_service.store import bets, checkouts, journal, parlays, quotes, results
from hedge_service.store.results import MarketResult
from hedge_service.store.schema import rolls
from hedge_service.wire.advice_record import VERSION
from tests.flow.stage_clock import START
from tests.store.parlay_samples import TICKERS, checkout_of, intent_of, new_bet, parlay_of, quote_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Intent
    from hedge_service.core.parlay import Checkout, Quote
    from hedge_service.store.parlays import Parlay
    from tests.flow.order_stage import OrderStage, Process

FIRST, SECOND, THIRD = TICKERS
ASKS = dict(zip(TICKERS, ("0.60", "0.55", "0.50"), strict=True))
FREE = Costs(standard=FeeSchedule(multiplier=Decimal(0)))
RULES = RollingRules(
    mode=Mode.LIVE,
    costs=FREE,
    step=Decimal(1),
    reserve_share=Decimal("0.02"),
    order_cap=Money.of(1000),
    parlay_cap=Money.of(1000),
    day_cap=Money.of(1000),
    ttl=timedelta(seconds=120),
    time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
)


@dataclass
class RollingStage:
    """The check figures' parlay: $100 for $500 on legs at 60, 55 and 50 cents, 137 contracts of the first."""

    orders: OrderStage
    parlay: Parlay
    reads: int = 0

    def __post_init__(self) -> None:
        self.planned = Nudge()
        self.loop = self.process()

    def process(
        self, process: Process | None = None, *, changes: Mapping[str, Any] = MappingProxyType({})
    ) -> Rolling:
        """Make a rolling loop of this process, or another; `changes` are to the rules."""
        runner = self.orders.process if process is None else process
        return Rolling(
            database=self.orders.database,
            reads=self.orders.exchange,
            sender=runner.sender,
            rules=replace(RULES, **changes),
            planned=self.planned,
            clock=self.orders.clock,
            log=self.orders.log,
        )

    def lists(self, ticker: str, ask: str | None = None, **changes: Any) -> None:
        """Put a market on offer: the k-th leg's ends k days from now."""
        days = 1 + TICKERS.index(ticker)
        values: dict[str, Any] = {
            "close_time": START + timedelta(days=days, hours=-1),
            "expected_expiration_time": START + timedelta(days=days),
        }
        price = ASKS[ticker] if ask is None else ask
        self.orders.exchange.lists(ticker, price, **(values | changes))

    async def says(self, ticker: str, status: MarketStatus, result: str = "") -> None:
        """Have the exchange say how a market stands, and settlement write it down."""
        self.lists(ticker, status=status, result=result, yes_ask=None, no_ask=None)
        now = self.orders.clock.now()
        await self.orders.database.write(lambda tx: results.checked(tx, [(ticker, status)], now))

    async def ends(self, ticker: str, result: str) -> None:
        """Have the exchange finalize a market, and settlement book it."""
        self.lists(ticker, status=MarketStatus.FINALIZED, result=result, yes_ask=None, no_ask=None)
        now = self.orders.clock.now()
        value = Price.of({"yes": "1", "no": "0"}.get(result, "0.50"))
        final = MarketResult(ticker=ticker, ending=Ending(result, value), settled_at=now)
        await self.orders.database.write(lambda tx: settling.settle(tx, final, VoidRule.REFUND, now))

    async def step(self, times: int = 1) -> None:
        """Roll, and let the orders go out."""
        for _ in range(times):
            await self.loop.step()
        await self.orders.drive()

    async def intents(self, purpose: Purpose = Purpose.ROLL) -> list[Intent]:
        every = await self.orders.database.read(lambda tx: journal.of_parlay(tx, self.parlay.id))
        return sorted((one for one, _ in every if one.purpose is purpose), key=lambda one: one.created_at)

    async def state(self) -> str:
        found = await self.orders.database.read(lambda tx: parlays.get(tx, self.parlay.id))
        assert found is not None
        return found.state

    async def rolled(self) -> list[int]:
        found = select(rolls.c.hits).order_by(rolls.c.hits)
        return list(await self.orders.database.read(lambda tx: list(tx.execute(found).scalars())))

    @property
    def skipped(self) -> list[str]:
        return [str(each["reason"]) for each in self.orders.log.named("roll.skipped")]

    def bought(self, ticker: str) -> Count:
        """Give what the exchange holds for us of a market, what was sold again taken off."""
        signed = sum(
            trade.count.centis * (-1 if trade.side.value == "ask" else 1)
            for trade in self.orders.exchange.trades
            if trade.ticker == ticker
        )
        return Count(signed)


async def open_rolling(
    orders: OrderStage,
    *,
    mode: Mode = Mode.LIVE,
    strategy: str = "rolling",
    buy: bool = True,
    multiplier: str | None = None,
) -> RollingStage:
    """Have the parlay paid for and its first leg bought; see `put_paid` for `multiplier`."""
    now = orders.clock.now()
    parlay = await orders.database.write(lambda tx: _put(tx, mode, strategy, now, multiplier))
    stage = RollingStage(orders, parlay)
    for ticker in TICKERS:
        stage.lists(ticker)
    if buy:
        await orders.drive()
    return stage


def put_paid(tx: Connection, strategy: str, multiplier: str | None = None) -> tuple[Quote, Checkout]:
    """Store the parlay's quote, and its checkout; `multiplier`: of the fees that the quote reckoned with."""
    quote = _quote(tx, strategy)
    if multiplier is not None:
        quote = replace(quote, advice={"decision": _record(multiplier)})
    quotes.put(tx, quote)
    return quote, checkouts.begin(tx, checkout_of(quote, 1))


def _record(multiplier: str) -> dict[str, Any]:
    fees = {"kind": "quadratic", "multiplier": multiplier, "precision": "0.0001"}
    return {"version": VERSION, "facts": {"fees": dict.fromkeys(TICKERS, fees)}}


def _put(tx: Connection, mode: Mode, strategy: str, now: datetime, multiplier: str | None) -> Parlay:
    quote, _ = put_paid(tx, strategy, multiplier)
    parlay = parlay_of(quote, 1, mode)
    parlays.put(tx, parlay)
    for leg in quote.legs:
        parlays.put_leg(tx, parlay.id, leg, leg.skip)
    first = intent_of(parlay, contracts="137", created_at=now)
    journal.put_intent(tx, replace(first, price=Price.of("0.60"), max_cost=Money.of("84")))
    return parlay


def _quote(tx: Connection, strategy: str) -> Quote:
    saved = tuple(bets.add(tx, new_bet(ticker), START) for ticker in TICKERS)
    made = quote_of(1, saved)
    legs = tuple(
        replace(
            leg,
            ask=Price.of(ASKS[leg.bet.ticker]),
            contracts=Count.of(137) if leg.leg == 1 else Count.ZERO,
            skip=None if leg.leg == 1 else "later_leg",
        )
        for leg in made.legs
    )
    return replace(made, legs=legs, stake=Money.of(100), payout=Money.of(500), strategy=strategy)
