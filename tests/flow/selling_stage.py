"""A real database and stand-ins that hold state: what quoting and checkout are tested on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

from hedge_service.clients.advisor import Advised, NoAdvice, NotAdvised
from hedge_service.clients.payments_errors import PaymentsRefused, PaymentsUnknown
from hedge_service.config import load_config
from hedge_service.core.book import Level, Orderbook
from hedge_service.core.market import Grid, Market, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.parlay import AskedCheckout, AskedLeg, AskedQuote, NewBet
from hedge_service.core.venue import Event, MarketList, Series
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.flow.checkout import Checkouts
from hedge_service.flow.quoting import Quoting
from hedge_service.store import bets, parlays
from hedge_service.store.db import Database
from hedge_service.wire.advice import AcceptedAdvice, PairCorrelation, PlanPick
from hedge_service.wire.stripe.keys import StripeMode
from hedge_service.wire.stripe.sessions import CheckoutSession, PaymentStatus, SessionStatus
from tests.empty_database import put_empty_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from hedge_service.clients.advisor import AdviceOutcome
    from hedge_service.config import Config
    from hedge_service.core.parlay import Bet, Checkout, Quote
    from hedge_service.wire.advice import Question
    from hedge_service.wire.stripe.sessions import NewSession

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANN = "user_1763800000000_annannann"
BOB = "user_1763800000000_bobbobbob"
CLASSIC = {"KXA-1-SEA": "0.43", "KXB-1-BOS": "0.52", "KXC-1-NYY": "0.65"}


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
class Log:
    """Keeps events, and which of them are warnings."""

    events: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})

    def warning(self, event: str, **fields: Any) -> None:
        self.info(event, **fields)
        self.warnings.append(self.events[-1])

    def named(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]


@dataclass
class FakeExchange:
    """Markets and which events are mutually exclusive; counts what it is asked."""

    found: dict[str, Market] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    exclusive: set[str] = field(default_factory=set)
    down: bool = False
    books: dict[str, Orderbook] = field(default_factory=dict)
    books_down: bool = False
    multiplier: str = "1"
    reads: list[list[str]] = field(default_factory=list)
    book_reads: list[list[str]] = field(default_factory=list)
    series_reads: list[str] = field(default_factory=list)
    event_reads: list[str] = field(default_factory=list)

    def holds(self, ticker: str, ask: str | None, **changes: Any) -> None:
        price = None if ask is None else Price.of(ask)
        market = Market(
            ticker=ticker,
            event_ticker=ticker.rsplit("-", 1)[0],
            market_type="binary",
            status=MarketStatus.ACTIVE,
            title=f"The exchange's title of {ticker}",
            yes_sub_title=f"YES of {ticker}",
            no_sub_title="",
            close_time=NOW + timedelta(days=1),
            yes_ask=price,
            no_ask=None if price is None else price.complement,
            grid=Grid(),
            exchange_index=0,
            result="",
            settlement_value=None,
        )
        self.found[ticker] = replace(market, **changes)

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        asked = list(tickers)
        self.reads.append(asked)
        await asyncio.sleep(0)
        self._up()
        return MarketList(
            found={ticker: self.found[ticker] for ticker in asked if ticker in self.found},
            unreadable={ticker: self.unreadable[ticker] for ticker in asked if ticker in self.unreadable},
        )

    async def orderbooks(self, tickers: Iterable[str]) -> dict[str, Orderbook]:
        self.book_reads.append(list(tickers))
        await asyncio.sleep(0)
        if self.down or self.books_down:
            raise PeerUnavailable(Peer.EXCHANGE)
        return {ticker: self.books[ticker] for ticker in self.book_reads[-1] if ticker in self.books}

    async def series(self, ticker: str) -> Series | None:
        self.series_reads.append(ticker)
        await asyncio.sleep(0)
        self._up()
        return Series(
            ticker=ticker, title="Series", fee_type="quadratic", fee_multiplier=Decimal(self.multiplier)
        )

    def offers(self, ticker: str, *levels: tuple[str, str]) -> None:
        """Put up what is offered of YES: pairs of price and contracts."""
        bids = tuple(
            Level(price=Price.of(price).complement, count=Count.of(count)) for price, count in levels
        )
        self.books[ticker] = Orderbook(ticker=ticker, yes_bids=(), no_bids=bids)

    async def event(self, event_ticker: str) -> Event | None:
        self.event_reads.append(event_ticker)
        await asyncio.sleep(0)
        self._up()
        if event_ticker == "KXGONE-1":
            return None
        return Event(
            event_ticker=event_ticker,
            series_ticker="KX",
            title=f"Event {event_ticker}",
            mutually_exclusive=event_ticker in self.exclusive,
            markets=MarketList(
                found={
                    ticker: market
                    for ticker, market in self.found.items()
                    if market.event_ticker == event_ticker
                },
                unreadable={},
            ),
            fee_type_override=None,
            fee_multiplier_override=None,
        )

    def _up(self) -> None:
        if self.down:
            raise PeerUnavailable(Peer.EXCHANGE)


@dataclass
class FakeModel:
    """Answers with one correlation for every pair, or fails as told; `hold` keeps it thinking.

    `plan`: the plan it names where there are plans; None stands for the default. `mute`: it leaves every
    pair out.
    """

    rho: str = "0.5"
    plan: str | None = None
    failure: NoAdvice | None = None
    silent: NoAdvice | None = None
    hold: asyncio.Event | None = None
    mute: bool = False
    questions: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> AdviceOutcome:
        self.questions.append(question)
        await (asyncio.sleep(0) if self.hold is None else self.hold.wait())
        if self.failure is not None:
            return NotAdvised(reason=self.failure, detail="told to fail")
        pairs = tuple(
            PairCorrelation(first_leg=a, second_leg=b, correlation=Decimal(self.rho), reason="same game")
            for a, b in (() if self.mute else question.pairs)
        )
        advice = AcceptedAdvice(
            correlations=pairs,
            summary="They go together.",
            risk_assessment="Risky.",
            confidence_level="medium",
            notes=(),
            plan=self._pick(question),
        )
        return Advised(advice=advice, model="stand-in", response_id="resp_1", latency_ms=1)

    def _pick(self, question: Question) -> PlanPick | None:
        if not question.plans:
            return None
        named = question.default if self.plan is None else self.plan
        offered = named in {plan.plan_id for plan in question.plans}
        return PlanPick(plan_id=named, reason="It serves best.", offered=offered)


@dataclass
class FakeStripe:
    """Keeps sessions by idempotency key and refuses a key that comes back with other parameters.

    `lose`: the next reply is lost after the session was made; `down`: nothing arrives.
    """

    configured: bool = True
    mode: StripeMode = StripeMode.TEST
    down: bool = False
    lose: bool = False
    refuse: bool = False
    hold: asyncio.Event | None = None
    sent: dict[str, NewSession] = field(default_factory=dict)
    sessions: dict[str, CheckoutSession] = field(default_factory=dict)
    calls: int = 0

    async def create_session(self, new: NewSession) -> CheckoutSession:
        self.calls += 1
        await (asyncio.sleep(0) if self.hold is None else self.hold.wait())
        if self.down:
            raise PaymentsUnknown(Peer.PAYMENTS)
        if self.refuse or self.sent.get(new.reference, new) != new:
            raise PaymentsRefused("parameter_invalid", "told to refuse", http_status=400)
        session = self._made(new)
        if self.lose:
            self.lose = False
            raise PaymentsUnknown(Peer.PAYMENTS)
        return session

    async def find_session(
        self, client_reference_id: str, *, created_since: datetime
    ) -> CheckoutSession | None:
        session = self.sessions.get(client_reference_id)
        recent = session is not None and session.created is not None and session.created >= created_since
        return session if recent else None

    def _made(self, new: NewSession) -> CheckoutSession:
        self.sent[new.reference] = new
        session_id = f"cs_test_{len(self.sent)}"
        session = CheckoutSession(
            id=session_id,
            client_reference_id=new.reference,
            status=SessionStatus.OPEN,
            payment_status=PaymentStatus.UNPAID,
            amount_total=new.amount_cents,
            currency=new.currency,
            payment_intent=None,
            quote_id=new.quote_id,
            environment=new.environment,
            created=NOW,
            expires_at=new.expires_at,
            livemode=False,
            url=f"https://checkout.stripe.com/c/{session_id}",
        )
        return self.sessions.setdefault(new.reference, session)


class Stage:
    """One service's quoting and checkout with everything around them."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.config = config
        self.clock = Hands()
        self.log = Log()
        self.exchange = FakeExchange()
        self.model = FakeModel()
        self.stripe = FakeStripe()
        self.closed: Exception | None = None
        ids = count(1)
        self.quoting = Quoting(
            config=config,
            database=database,
            exchange=self.exchange,
            advisor=self.model,
            clock=self.clock,
            new_id=lambda: f"quote-{next(ids)}",
            gate=self.gate,
            open_payout=parlays.open_payout,
            log=self.log,
        )
        self.checkouts = Checkouts(
            config=config,
            database=database,
            payments=self.stripe,
            clock=self.clock,
            gate=self.gate,
            open_payout=parlays.open_payout,
            log=self.log,
        )

    async def gate(self) -> None:
        if self.closed is not None:
            raise self.closed

    async def save(
        self, user: str, *tickers: str, titled: str | None = None, **changes: Any
    ) -> tuple[Bet, ...]:
        """Save bets whose page title is `Game of TICKER`, or of the tickers named in `titled`."""
        names = tickers if titled is None else (titled,) * len(tickers)
        pairs = zip(tickers, names, strict=True)
        return tuple([await self._save(user, ticker, name, changes) for ticker, name in pairs])

    async def _save(self, user: str, ticker: str, name: str, changes: dict[str, Any]) -> Bet:
        new = NewBet(
            user_id=user,
            market_id=name.lower(),
            market_title=f"Game of {name}",
            market_url="https://kalshi.com/markets/x",
            image_url=None,
            option_id=ticker,
            option_label=name.rsplit("-", 1)[-1],
            prob=Decimal(50),
            ticker=ticker,
            event_ticker=ticker.rsplit("-", 1)[0],
            side=Side.YES,
            environment=self.config.kalshi.environment.value,
        )
        bet = replace(new, **changes)
        return await self.database.write(lambda tx: bets.add(tx, bet, self.clock.now()))

    async def classic(self, user: str = ANN) -> tuple[Bet, ...]:
        """Put up the classic three markets and save a bet on each."""
        for ticker, ask in CLASSIC.items():
            self.exchange.holds(ticker, ask)
        return await self.save(user, *CLASSIC)

    async def quote(self, *tickers: str, stake: str = "5", user: str | None = None) -> Quote:
        return await self.quoting.quote(
            asked(*(tickers or CLASSIC), stake=stake, user=user), address="127.0.0.1"
        )

    async def open(self, quote: Quote, /, user: str = ANN, **changes: Any) -> Checkout:
        """Check a quote out as the extension does: all saved bets, the quote as JSON brought it."""
        saved = await self.database.read(lambda tx: bets.of_user(tx, user))
        request = AskedCheckout(
            user_id=user,
            stake=quote.stake,
            bet_ids=tuple(bet.id for bet in saved),
            quote=orjson.loads(orjson.dumps(quote.body)),
            environment=None,
        )
        return await self.checkouts.open(replace(request, **changes))


def asked(*tickers: str, stake: str = "5", user: str | None = None) -> AskedQuote:
    """Ask by names alone, as the shipped clients do."""
    legs = tuple(
        AskedLeg(market_title=f"Game of {ticker}", option_label=ticker.rsplit("-", 1)[-1])
        for ticker in tickers
    )
    return AskedQuote(legs=legs, stake=Money.of(stake), user_id=user)


@asynccontextmanager
async def open_stage(folder: Path, **variables: str) -> AsyncIterator[Stage]:
    """Open a stage on a new database; `variables` are configuration overrides, `LIMITS__MAX_LEGS="2"`."""
    environ = {f"HEDGE_{name}": value for name, value in variables.items()}
    config = load_config(path=None, environ=environ, cwd=folder)
    async with Database(put_empty_database(folder / "hedge.db")) as database:
        yield Stage(database, config)
