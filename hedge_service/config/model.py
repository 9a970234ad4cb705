"""Every knob: its name, its kind and its default. `config.toml` says what each is for."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from hedge_service.config.databases import path_of, shown
from hedge_service.config.rules import (
    choice,
    database_url,
    dollars,
    own_url,
    peer_url,
    seconds,
    share,
    share_or_off,
    switch,
    text,
    whole,
)
from hedge_service.core.money import Money

if TYPE_CHECKING:
    from pathlib import Path


class Environment(Enum):
    """Which exchange is traded on."""

    SANDBOX = "sandbox"
    DEMO = "demo"
    PRODUCTION = "production"


class Tier(Enum):
    """The exchange's usage tiers, lowest first (docs.kalshi.com, Rate limits)."""

    BASIC = "basic"
    ADVANCED = "advanced"
    EXPERT = "expert"
    PREMIER = "premier"
    PARAGON = "paragon"
    PRIME = "prime"
    PRESTIGE = "prestige"


class RateSource(Enum):
    """Where the rate limiter's figures come from."""

    ACCOUNT = "account"
    TIER = "tier"


class Strategy(Enum):
    """How much of which leg is bought."""

    BANDS = "bands"
    DELTA = "delta"
    NONE = "none"
    MIN_VARIANCE = "min_variance"
    CVAR = "cvar"
    ROLLING = "rolling"


class Measure(Enum):
    """By what a hedge that the model chooses may be no worse than the configured one."""

    CVAR = "cvar"
    SD = "sd"
    WORST = "worst"


class TimeInForce(Enum):
    """How long a hedge order lives."""

    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    GOOD_TILL_CANCELED = "good_till_canceled"


class OnUnhedged(Enum):
    """What contracts that could not be bought mean for the parlay."""

    CARRY = "carry"
    REFUND = "refund"


class VoidLeg(Enum):
    """What a leg that settles at neither $0 nor $1 means for the parlay."""

    REFUND = "refund"
    LOST = "lost"


class Currency(Enum):
    """What users pay in: stakes and hedges are both dollars."""

    USD = "usd"


API_URLS = {
    Environment.PRODUCTION: "https://external-api.kalshi.com/trade-api/v2",
    Environment.DEMO: "https://external-api.demo.kalshi.co/trade-api/v2",
    Environment.SANDBOX: "",
}

_HOST = text(r"[A-Za-z0-9.:-]{1,253}", "a host name or IP address to listen on")
_PORT = whole(0, 65535)
# The signed path starts at the root and holds this prefix, so that a wrong one fails every signature.
_API_PREFIX = "/trade-api/v2"


class Section(BaseModel):
    """One section of the configuration: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Service(Section):
    """The public listener."""

    host: Annotated[str, _HOST] = "127.0.0.1"
    port: Annotated[int, _PORT] = 4000
    public_url: Annotated[str, own_url()] = "http://localhost:4000"


class Database(Section):
    """Where rows are kept."""

    # It may hold a password: only `shown` is for people.
    url: Annotated[str, database_url()] = Field(default="sqlite+aiosqlite:///hedge.db", repr=False)

    @property
    def path(self) -> Path | None:
        """Give the database's file; None for one on a server."""
        return path_of(self.url)

    @property
    def shown(self) -> str:
        """Give the URL without a password."""
        return shown(self.url)


class RateLimit(Section):
    """Whose figures the rate limiter goes by."""

    source: Annotated[RateSource, choice(RateSource)] = RateSource.ACCOUNT
    tier: Annotated[Tier, choice(Tier)] = Tier.BASIC
    processes: Annotated[int, whole(1, 100)] = 1


class Kalshi(Section):
    """The exchange, and how patient we are with it."""

    environment: Annotated[Environment, choice(Environment)] = Environment.DEMO
    dry_run: Annotated[bool, switch()] = True
    base_url: Annotated[str, peer_url(_API_PREFIX)] = ""
    order_timeout_s: Annotated[float, seconds(0.1, 60)] = 10
    account: Annotated[
        str, text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", "a name of 1 to 40 letters, digits, '_', '.' or '-'")
    ] = "main"
    subaccount: Annotated[int, whole(0, 63)] = 0
    lease_s: Annotated[float, seconds(1, 60)] = 5
    lookup_margin_s: Annotated[float, seconds(0, 60)] = 1
    quiet_s: Annotated[float, seconds(0, 3600)] = 10
    resend_window_s: Annotated[float, seconds(0, 600)] = 60
    reconcile_every_s: Annotated[float, seconds(1, 3600)] = 60
    settle_every_s: Annotated[float, seconds(0.1, 3600)] = 10
    rate_limit: RateLimit = RateLimit()

    @property
    def api_url(self) -> str:
        """Base address of the exchange's REST interface, `/trade-api/v2` included."""
        return API_URLS[self.environment] if self.base_url == "" else self.base_url


class Stripe(Section):
    """Payments."""

    api_base: Annotated[str, peer_url("")] = ""
    currency: Annotated[Currency, choice(Currency)] = Currency.USD
    webhook_tolerance_s: Annotated[float, seconds(1, 3600)] = 300
    catch_up_every_s: Annotated[float, seconds(1, 86400)] = 300


class OpenAI(Section):
    """The language model."""

    enabled: Annotated[bool, switch()] = True
    base_url: Annotated[str, peer_url("/v1")] = ""
    model: Annotated[str, text(r"[A-Za-z0-9._:/-]{1,100}", "a model's name")] = "gpt-5.4-mini"
    timeout_s: Annotated[float, seconds(0.1, 60)] = 8
    chooses_plan: Annotated[bool, switch()] = True


class Pricing(Section):
    """What a parlay pays and how long its price holds."""

    payout_share: Annotated[Decimal, share("0.80", "0.95")] = Decimal("0.90")
    quote_ttl_s: Annotated[float, seconds(1, 86400)] = 300
    # Stripe expires a Checkout Session after 30 minutes at the earliest, 24 hours at the latest.
    payment_window_s: Annotated[float, seconds(1800, 86400)] = 1800
    payment_fee_share: Annotated[Decimal, share("0", "0.20")] = Decimal("0.029")
    payment_fee_fixed_dollars: Annotated[Money, dollars("0", "5")] = Money.of("0.30")
    max_price_drift: Annotated[Decimal, share("0", "1", step="0.0001")] = Decimal("0.10")
    minimum_edge: Annotated[Decimal | None, share_or_off("0", "1")] = None
    void_leg: Annotated[VoidLeg, choice(VoidLeg)] = VoidLeg.REFUND


class Ops(Section):
    """The operators' own listener."""

    host: Annotated[str, _HOST] = "127.0.0.1"
    port: Annotated[int, _PORT] = 4001
    public_url: Annotated[str, peer_url("")] = ""
    behind_proxy: Annotated[bool, switch()] = False


class Hedging(Section):
    """What is bought for a paid parlay."""

    strategy: Annotated[Strategy, choice(Strategy)] = Strategy.BANDS
    delta_ratio: Annotated[Decimal, share("0.3", "1")] = Decimal("0.4")
    cvar_alpha: Annotated[Decimal, share("0.5", "0.999")] = Decimal("0.95")
    cvar_budget_share: Annotated[Decimal, share("0.01", "10")] = Decimal(1)
    measure: Annotated[Measure, choice(Measure)] = Measure.CVAR
    roll_gap_s: Annotated[float, seconds(60, 2_592_000)] = 3600
    drift_reserve: Annotated[Decimal, share("0", "0.20")] = Decimal("0.02")
    max_slippage: Annotated[Decimal, share("0", "0.50", step="0.0001")] = Decimal("0.02")
    contract_step: Annotated[Decimal, share("0.01", "1", step="0.01")] = Decimal(1)
    max_attempts: Annotated[int, whole(1, 10)] = 2
    intent_ttl_s: Annotated[float, seconds(1, 3600)] = 120
    time_in_force: Annotated[TimeInForce, choice(TimeInForce)] = TimeInForce.IMMEDIATE_OR_CANCEL
    rest_s: Annotated[float, seconds(1, 3600)] = 60
    on_unhedged: Annotated[OnUnhedged, choice(OnUnhedged)] = OnUnhedged.CARRY
    unwind_on_refund: Annotated[bool, switch()] = False


# Stripe takes at most eight digits of cents, and no figure of ours is to pass what a table can hold.
_PAYMENT = dollars("0.01", "999999.99")
_CAP = dollars("0.01", "100000000")
_LEGS = 12  # the states of a parlay are enumerated exactly up to here


class Limits(Section):
    """Caps that hold before anything is sold or sent."""

    max_legs: Annotated[int, whole(1, _LEGS)] = 8
    max_stake_dollars: Annotated[Money, _PAYMENT] = Money.of(100)
    max_payout_dollars: Annotated[Money, _CAP] = Money.of(1000)
    max_order_dollars: Annotated[Money, _CAP] = Money.of(100)
    max_parlay_hedge_dollars: Annotated[Money, _CAP] = Money.of(200)
    max_day_hedge_dollars: Annotated[Money, _CAP] = Money.of(1000)
    max_open_payout_dollars: Annotated[Money, _CAP] = Money.of(5000)
    max_market_exposure_dollars: Annotated[Money, _CAP] = Money.of(5000)
    max_event_exposure_dollars: Annotated[Money, _CAP] = Money.of(5000)
    max_day_exposure_dollars: Annotated[Money, _CAP] = Money.of(5000)
    quotes_per_minute_per_address: Annotated[int, whole(1, 100_000)] = 30
    model_calls_per_day: Annotated[int, whole(0, 10_000_000)] = 2000


class Settings(Section):
    """All sections, as in `config.toml`."""

    service: Service = Service()
    database: Database = Database()
    kalshi: Kalshi = Kalshi()
    stripe: Stripe = Stripe()
    openai: OpenAI = OpenAI()
    pricing: Pricing = Pricing()
    ops: Ops = Ops()
    hedging: Hedging = Hedging()
    limits: Limits = Limits()
