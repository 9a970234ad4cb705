"""What the control interface takes; money and counts are strings, as on the exchange itself."""

from pydantic import Field

from hedge_service.sandbox.control import ControlBody

from .auth import DEFAULT_SCOPES
from .faults import FaultKind
from .markets import MarketStatus


class KeyBody(ControlBody):
    """A public key in PEM."""

    key_id: str
    public_key_pem: str
    name: str = "sandbox key"
    scopes: list[str] = Field(default_factory=lambda: list(DEFAULT_SCOPES))
    subaccount: int | None = None


class MarketBody(ControlBody):
    """A market's changes: a quote makes a whole ladder of levels, bids replace a side of the book.

    A quote with only one of `yes_ask` and `yes_bid` leaves the other side empty.
    """

    ticker: str
    yes_ask: str | None = None
    yes_bid: str | None = None
    yes_bids: list[tuple[str, str]] | None = None
    no_bids: list[tuple[str, str]] | None = None
    status: MarketStatus | None = None
    close_time: str | None = None
    close_in_s: float | None = None


class PauseBody(ControlBody):
    """A shard, or all of them; `exchange` pauses cancels too."""

    exchange_index: int | None = None
    exchange: bool = False


class SettleBody(ControlBody):
    """A market's result."""

    ticker: str
    status: MarketStatus
    result: str
    settlement_value_dollars: str | None = None


class FaultBody(ControlBody):
    """A fault; `route` is a regular expression over "METHOD /path" without the prefix."""

    kind: FaultKind
    times: int | None = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)
    route: str = ""
    client_order_id: str | None = None
    ticker: str | None = None
    probability: float = Field(default=1.0, ge=0, le=1)
    seconds: float | None = None
    count: str = "0"
    code: str = "insufficient_balance"
    exchange_index: int | None = None


class LimitBody(ControlBody):
    """One bucket's limit."""

    refill_rate: int = Field(ge=0)
    bucket_capacity: int = Field(ge=0)


class CostBody(ControlBody):
    """One endpoint's cost in tokens; `path` is the template with the prefix."""

    method: str
    path: str
    cost: int = Field(ge=0)


class LimitsBody(ControlBody):
    """Tier first, then what is to differ from it."""

    tier: str | None = None
    read: LimitBody | None = None
    write: LimitBody | None = None
    balance: LimitBody | None = None
    endpoint_costs: list[CostBody] = Field(default_factory=list)


class BalancesBody(ControlBody):
    """Cash in dollars by shard."""

    subaccount: int = Field(default=0, ge=0, le=63)
    balances: dict[str, str]


class ClockBody(ControlBody):
    """An offset from the machine's clock, in seconds."""

    offset_s: float


class TradeBody(ControlBody):
    """Contracts that an outsider trades against a resting order, named by either id."""

    order_id: str = ""
    client_order_id: str = ""
    count: str


class SettingsBody(ControlBody):
    """The fields of Settings; only those present are changed."""

    auth_window_s: float = 10.0
    read_lag_s: float = 0.0
    id_memory_s: float | None = None
    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    historical_age_s: float = 0.0
    region_expiration_ts: int | None = None
    balance_precision_micros: int = Field(default=100, ge=1)
    ask_fill_cost_on_yes_price: bool = False
    endless_books: bool = False
    refused_ids_are_consumed: bool = False
    page_limit: int | None = Field(default=None, ge=1)
