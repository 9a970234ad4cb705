"""Stand-ins for what the public listener is wired to, holding what a test puts in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedge_service.core.market import Grid, Market, MarketStatus, Side
from hedge_service.core.money import Money, Price
from hedge_service.core.parlay import Bet, Checkout, CheckoutState, Quote
from hedge_service.core.venue import Event, MarketList
from hedge_service.errors import NotFound, Peer, PeerUnavailable
from hedge_service.store import inbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.test_utils import TestClient
    from aiohttp.web import Application, Request

    from hedge_service.core.history import PurchaseView
    from hedge_service.core.inbox import NewEvent
    from hedge_service.core.parlay import AskedCheckout, AskedQuote
    from hedge_service.store.db import Database

    Client = TestClient[Request, Application]

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
USER = "user_1763800000000_a1b2c3d4e"
SECRET = "whsec_invented_for_tests"
SEAHAWKS = "KXNFLGAME-25NOV16SEALA-SEA"


def binary_market(ticker: str, ask: str | None = "0.4300", **changes: Any) -> Market:
    """Make a market that can be traded."""
    price = None if ask is None else Price.of(ask)
    market = Market(
        ticker=ticker,
        event_ticker=ticker.rsplit("-", 1)[0],
        market_type="binary",
        status=MarketStatus.ACTIVE,
        title=f"Will {ticker} win?",
        yes_sub_title="Seattle",
        no_sub_title="Los Angeles",
        close_time=NOW + timedelta(days=1),
        yes_ask=price,
        no_ask=None if price is None else price.complement,
        grid=Grid(),
        exchange_index=0,
        result="",
        settlement_value=None,
    )
    return replace(market, **changes)


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000 + self.elapsed_s

    async def sleep(self, seconds: float) -> None:
        self.elapsed_s += seconds


@dataclass
class FakeExchange:
    """An exchange that knows what a test puts in."""

    by_ticker: dict[str, Market] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def holds(self, *markets: Market) -> None:
        self.by_ticker |= {market.ticker: market for market in markets}

    async def event(self, event_ticker: str) -> Event | None:
        self._ask(event_ticker)
        found = {t: m for t, m in self.by_ticker.items() if m.event_ticker == event_ticker}
        return (
            Event(
                event_ticker=event_ticker,
                series_ticker=event_ticker.split("-", maxsplit=1)[0],
                title="Seattle at Los Angeles",
                mutually_exclusive=True,
                markets=MarketList(found=found, unreadable={}),
                fee_type_override=None,
                fee_multiplier_override=None,
            )
            if found
            else None
        )

    async def market(self, ticker: str) -> Market | None:
        self._ask(ticker)
        return self.by_ticker.get(ticker)

    async def open_markets(self, series_ticker: str) -> MarketList:
        self._ask(series_ticker)
        found = {t: m for t, m in self.by_ticker.items() if t.split("-")[0] == series_ticker}
        return MarketList(found=found, unreadable={})

    def _ask(self, ticker: str) -> None:
        self.asked.append(ticker)
        if self.down:
            raise PeerUnavailable(Peer.EXCHANGE, reason="refused by http://exchange.internal")


@dataclass
class FakeQuoting:
    """Answers every request with the same quote, or fails as told."""

    asked: list[tuple[AskedQuote, str]] = field(default_factory=list)
    failure: Exception | None = None

    async def quote(self, asked: AskedQuote, *, address: str) -> Quote:
        self.asked.append((asked, address))
        if self.failure is not None:
            raise self.failure
        return Quote(
            id="quo_1",
            fingerprint="f",
            user_id=USER,
            environment="demo",
            stake=asked.stake,
            payout=Money.of("30.96"),
            probability=Decimal("0.14534"),
            product=Decimal("0.14534"),
            strategy="bands",
            created_at=NOW,
            expires_at=NOW + timedelta(minutes=5),
            legs=(),
            body={"quoteId": "quo_1", "stake": 5, "payout": {"adjustedPayout": "30.96"}},
            advice={},
        )


@dataclass
class FakeCheckouts:
    """Opens a session for whatever is asked."""

    asked: list[AskedCheckout] = field(default_factory=list)

    async def open(self, asked: AskedCheckout) -> Checkout:
        self.asked.append(asked)
        return Checkout(
            reference="chk_1",
            quote_id="quo_1",
            user_id=asked.user_id,
            environment="demo",
            amount_cents=asked.stake.to_cents(),
            currency="usd",
            state=CheckoutState.OPEN,
            created_at=NOW,
            window_ends_at=NOW + timedelta(minutes=30),
            session_expires_at=NOW + timedelta(minutes=31),
            session_id="cs_test_a1",
            url="https://checkout.stripe.com/c/pay/cs_test_a1",
        )


@dataclass
class FakeAccounts:
    """Purchases and winnings as a test puts them in."""

    bought: list[PurchaseView] = field(default_factory=list)
    winnings: dict[str, Money | Exception] = field(default_factory=dict)
    balance: Money = Money.ZERO

    async def history(self, user_id: str) -> tuple[PurchaseView, ...]:
        return tuple(self.bought) if user_id == USER else ()

    async def purchases(self, user_id: str) -> tuple[PurchaseView, ...]:
        return tuple(self.bought) if user_id == USER else ()

    async def claim(self, session_id: str) -> Money:
        won = self.winnings.get(session_id, NotFound("Parlay not found"))
        if isinstance(won, Exception):
            raise won
        return won

    async def wallet(self, user_id: str) -> Money:
        return self.balance if user_id == USER else Money.ZERO


@dataclass
class FakeReadiness:
    """Ready unless told otherwise."""

    reasons: tuple[str, ...] = ()

    async def problems(self) -> tuple[str, ...]:
        return self.reasons


@dataclass(frozen=True)
class RowIntake:
    """The real inbox, without the loop behind it."""

    database: Database

    async def receive(self, event: NewEvent) -> bool:
        return await self.database.write(lambda tx: inbox.put(tx, event, NOW))


def saved_bet(**changes: Any) -> Bet:
    """Make a bet as the store gives it."""
    bet = Bet(
        id=1,
        user_id=USER,
        market_id="kxnflgame-25nov16seala",
        market_title="Seattle at Los Angeles",
        market_url="https://kalshi.com/markets/kxnflgame",
        image_url=None,
        option_id=SEAHAWKS,
        option_label="SEA",
        prob=Decimal(43),
        ticker=SEAHAWKS,
        event_ticker="KXNFLGAME-25NOV16SEALA",
        side=Side.YES,
        environment="demo",
    )
    return replace(bet, **changes)


def counting(prefix: str) -> Callable[[], str]:
    """Give ids that count."""
    made = 0

    def new() -> str:
        nonlocal made
        made += 1
        return f"{prefix}_{made}"

    return new
