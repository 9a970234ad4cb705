"""What a test may turn while the exchange runs."""

from __future__ import annotations

from dataclasses import dataclass, field

TWO_WEEKS_S = 14 * 86_400.0


@dataclass(slots=True, kw_only=True)
class Settings:
    """The exchange's adjustable behaviour; the defaults are those of a healthy, strict exchange."""

    clock_offset_s: float = 0.0
    auth_window_s: float = 10.0
    read_lag_s: float = 0.0
    id_memory_s: float | None = None  # None: a client_order_id is remembered for ever
    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    historical_age_s: float = TWO_WEEKS_S
    region_expiration_ts: int | None = None
    balance_precision_micros: int = 100  # 0.0001 dollar, a direct member; 10,000 for a non-direct one
    ask_fill_cost_on_yes_price: bool = False  # the vendor does not say which price an ask's fill cost is on
    endless_books: bool = False  # outside liquidity is not used up
    refused_ids_are_consumed: bool = False  # not established for a 400, see README section 13
    page_limit: int | None = None  # smaller pages than asked for
    maintenance: list[tuple[float, float]] = field(default_factory=list)  # announced: start and end, unix s
