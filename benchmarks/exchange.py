"""The stand-in exchange: small and fast, so that it is not the limit; it verifies every signature.

`python -m benchmarks.exchange PEM_FILE` writes its port, then obeys commands. Creates are filled whole at
their limit, at once. It tells when each one arrived, on the monotonic clock that all processes share.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidSignature

from benchmarks import keys
from benchmarks.controlled import controlled, run, say

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/trade-api/v2"
CREATES = PREFIX + "/portfolio/events/orders"
FEE = "0.017500"
# So much that no limiter ever waits.
OPEN = {"refill_rate": 1_000_000_000, "bucket_capacity": 1_000_000_000}
# What ended earlier than this is in the archives.
LIVE_S = 90 * 86_400
LONG_AGO, FAR = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
MARKETS = tuple(f"BENCH-{number:02}" for number in range(40))


@dataclass(slots=True)
class Strict:
    """A bucket that grants a request only when it holds all of its cost as it arrives."""

    rate: int
    capacity: int
    level: float
    at: float
    arrivals: list[float] = field(default_factory=list)
    refused: int = 0

    def take(self, cost: int, now: float) -> bool:
        """Pay for a request, or refuse it."""
        self.level = min(self.capacity, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < cost:
            self.refused += 1
            return False
        self.level -= cost
        self.arrivals.append(now)
        return True


class Exchange:
    """One account; every order of it is filled whole."""

    def __init__(self, pem: str) -> None:
        self._key = keys.private_key(pem).public_key()
        self.orders: dict[str, dict[str, Any]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        self.by_ticker: dict[str, list[dict[str, Any]]] = {}
        self.arrived: list[tuple[str, float]] = []
        self.limits: dict[str, Any] = {"usage_tier": "prestige", "read": OPEN, "write": OPEN}
        self.writes: Strict | None = None
        self.reads: Strict | None = None
        self.verified = 0
        self._numbers = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        arrived = time.monotonic()
        path = request.path
        if not self._authentic(request, path):
            return _json({"error": {"code": "unauthorized", "message": "bad signature"}}, 401)
        if request.method == "POST" and path == CREATES:
            return self._create(orjson.loads(await request.read()), arrived)
        if self.reads is not None and not self.reads.take(10, arrived):
            return _json({"error": "too many requests"}, 429)
        return self._read(path.removeprefix(PREFIX), request.query)

    def _authentic(self, request: web.BaseRequest, path: str) -> bool:
        headers = request.headers
        message = f"{headers.get('KALSHI-ACCESS-TIMESTAMP')}{request.method}{path}".encode()
        try:
            keys.check(self._key, base64.b64decode(headers.get("KALSHI-ACCESS-SIGNATURE", "")), message)
        except InvalidSignature:
            return False
        self.verified += 1
        return True

    def _create(self, body: dict[str, Any], arrived: float) -> web.Response:
        if self.writes is not None and not self.writes.take(10, arrived):
            return _json({"error": "too many requests"}, 429)
        name = body["client_order_id"]
        if name in self.orders:
            return _json({"error": {"code": "order_already_exists", "message": ""}}, 409)
        self.arrived.append((name, arrived))
        order = self.accept(body)
        reply = {
            "order_id": order["order_id"],
            "client_order_id": name,
            "fill_count": order["fill_count_fp"],
            "remaining_count": "0.00",
            "average_fill_price": body["price"],
            "average_fee_paid": FEE,
            "ts_ms": int(time.time() * 1_000),
        }
        return _json(reply, 201)

    def accept(self, body: dict[str, Any]) -> dict[str, Any]:
        """Hold an order as filled whole."""
        number = next(self._numbers)
        now = time.time()
        count = f"{float(body['count']):.2f}"
        order = {
            "order_id": f"order-{number}",
            "client_order_id": body["client_order_id"],
            "ticker": body["ticker"],
            "book_side": body["side"],
            "status": "executed",
            "yes_price_dollars": body["price"],
            "initial_count_fp": count,
            "fill_count_fp": count,
            "remaining_count_fp": "0.00",
            "taker_fill_cost_dollars": f"{float(count) * float(body['price']):.4f}",
            "maker_fill_cost_dollars": "0.0000",
            "taker_fees_dollars": f"{float(count) * float(FEE):.6f}",
            "maker_fees_dollars": "0.000000",
            "created": now,
            "created_time": _rfc3339(now),
            "last_update_time": _rfc3339(now),
            "subaccount_number": 0,
            "exchange_index": 0,
        }
        self.orders[order["client_order_id"]] = self.by_id[order["order_id"]] = order
        self.by_ticker.setdefault(order["ticker"], []).append(order)
        return order

    def _read(self, path: str, query: Any) -> web.Response:
        answer = READS.get(path)
        if answer is not None:
            return _json(answer(self, query))
        if path.startswith("/portfolio/orders/"):
            order = self.by_id.get(path.rpartition("/")[2])
            found = order is not None
            return _json(
                {"order": order} if found else {"error": {"code": "not_found"}}, 200 if found else 404
            )
        if path.startswith("/events/"):
            return _json(_event(path.rpartition("/")[2]))
        if path.startswith("/markets/"):
            return _json({"market": _market(path.rpartition("/")[2])})
        if path.startswith("/series/"):
            return _json({"series": _series(path.rpartition("/")[2])})
        return _json({"error": {"code": "not_found", "message": path}}, 404)


def _fills(exchange: Exchange, query: Any) -> dict[str, Any]:
    if "order_id" not in query:
        return {"fills": [_fill(order) for order in _since(exchange, int(query["min_ts"]))], "cursor": ""}
    order = exchange.by_id.get(query["order_id"])
    return {"fills": [] if order is None else [_fill(order)], "cursor": ""}


def _since(exchange: Exchange, seconds: int) -> list[dict[str, Any]]:
    """Give the orders since a moment, the newest first; they are held in the order of their coming."""
    newest_first = reversed(exchange.by_id.values())
    return list(itertools.takewhile(lambda order: order["created"] >= seconds, newest_first))


def _fill(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "trade_id": "trade-" + order["order_id"],
        "order_id": order["order_id"],
        "ticker": order["ticker"],
        "book_side": order["book_side"],
        "count_fp": order["fill_count_fp"],
        "yes_price_dollars": order["yes_price_dollars"],
        "fee_cost": order["taker_fees_dollars"],
        "is_taker": True,
        "created_time": order["created_time"],
        "subaccount_number": 0,
        "exchange_index": 0,
    }


def _orders(exchange: Exchange, query: Any) -> dict[str, Any]:
    ticker = query.get("ticker")
    # Without a ticker: the start-up's and the reconciler's lists of everything.
    rows = list(exchange.orders.values()) if ticker is None else exchange.by_ticker.get(ticker, [])
    start, size = int(query.get("cursor") or 0), int(query.get("limit", 100))
    page = rows[start : start + size]
    return {"orders": page, "cursor": str(start + size) if start + size < len(rows) else ""}


def _markets(exchange: Exchange, query: Any) -> dict[str, Any]:
    del exchange
    asked = query.get("tickers")
    series = query.get("series_ticker")
    tickers = asked.split(",") if asked else MARKETS[:3] if series else MARKETS
    return {"markets": [_market(ticker) for ticker in tickers], "cursor": ""}


def _market(ticker: str) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "event_ticker": f"{ticker}-EVENT",
        "market_type": "binary",
        "title": "Does the benchmark end?",
        "yes_sub_title": "Yes",
        "no_sub_title": "No",
        "open_time": LONG_AGO,
        "close_time": FAR,
        "expected_expiration_time": FAR,
        "status": "active",
        "yes_bid_dollars": "0.4900",
        "yes_bid_size_fp": "100000.00",
        "yes_ask_dollars": "0.5000",
        "yes_ask_size_fp": "100000.00",
        "no_bid_dollars": "0.5000",
        "no_ask_dollars": "0.5100",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "exchange_index": 0,
    }


def _event(ticker: str) -> dict[str, Any]:
    row = {
        "event_ticker": ticker,
        "series_ticker": "BENCH",
        "title": "The benchmark",
        "mutually_exclusive": False,
        "exchange_index": 0,
    }
    return {"event": row, "markets": [_market(ticker.removesuffix("-EVENT"))]}


def _series(ticker: str) -> dict[str, Any]:
    return {"ticker": ticker, "title": "Benchmarks", "fee_type": "quadratic", "fee_multiplier": 1}


def _empty(key: str) -> Callable[[Exchange, Any], dict[str, Any]]:
    return lambda _exchange, _query: {key: [], "cursor": ""}


def _balance(exchange: Exchange, query: Any) -> dict[str, Any]:
    del exchange, query
    cash = "100000000.0000"
    parts = [{"exchange_index": 0, "balance": cash}]
    now = int(time.time())
    return {
        "balance": 10_000_000_000,
        "balance_dollars": cash,
        "portfolio_value": 0,
        "updated_ts": now,
        "balance_breakdown": parts,
    }


def _status(exchange: Exchange, query: Any) -> dict[str, Any]:
    del exchange, query
    open_now = {"exchange_active": True, "trading_active": True}
    return {**open_now, "exchange_index_statuses": [{"exchange_index": 0, **open_now}]}


READS: dict[str, Callable[[Exchange, Any], dict[str, Any]]] = {
    "/portfolio/fills": _fills,
    "/portfolio/orders": _orders,
    "/portfolio/positions": _empty("market_positions"),
    "/portfolio/settlements": _empty("settlements"),
    "/portfolio/balance": _balance,
    "/historical/orders": _empty("orders"),
    "/historical/fills": _empty("fills"),
    "/historical/cutoff": lambda _exchange, _query: dict.fromkeys(
        ("market_settled_ts", "trades_created_ts", "orders_updated_ts"), _rfc3339(time.time() - LIVE_S)
    ),
    "/api_keys": lambda _exchange, _query: {
        "api_keys": [{"api_key_id": keys.KEY_ID, "name": "bench", "scopes": ["read", "write"]}]
    },
    "/account/limits": lambda exchange, _query: exchange.limits,
    "/account/endpoint_costs": lambda _exchange, _query: {"default_cost": 10, "endpoint_costs": []},
    "/exchange/status": _status,
    "/exchange/schedule": lambda _exchange, _query: {
        "schedule": {"standard_hours": [], "maintenance_windows": []}
    },
    "/exchange/user_data_timestamp": lambda _exchange, _query: {"as_of_time": _rfc3339(time.time())},
    "/markets": _markets,
}


def _json(answer: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class Control:
    """What a run may tell the stand-in."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def arrivals(self) -> list[tuple[str, float]]:
        """Give when each create arrived since the last asking."""
        told, self._exchange.arrived = self._exchange.arrived, []
        return told

    async def pace(self, tier: str, read: int, write: int, *, strict: bool) -> None:
        """Grant these rates, with one second of them saved up, and be strict about them, or not."""
        told = ({"refill_rate": rate, "bucket_capacity": rate} for rate in (read, write))
        self._exchange.limits = dict(zip(("read", "write"), told, strict=True), usage_tier=tier)
        now = time.monotonic()
        self._exchange.reads = Strict(read, read, read, now) if strict else None
        self._exchange.writes = Strict(write, write, write, now) if strict else None

    async def buckets(self) -> dict[str, Any]:
        """Give what the strict buckets granted and refused."""
        kept = {"read": self._exchange.reads, "write": self._exchange.writes}
        return {
            name: {"arrivals": bucket.arrivals, "refused": bucket.refused}
            for name, bucket in kept.items()
            if bucket is not None
        }

    async def hold(self, bodies: list[dict[str, Any]]) -> int:
        """Hold orders that no reply was seen of."""
        for body in bodies:
            self._exchange.accept(body)
        return len(bodies)

    async def forget(self) -> int:
        """Forget all orders; give how many signatures were verified so far."""
        for kept in (self._exchange.orders, self._exchange.by_id, self._exchange.by_ticker):
            kept.clear()
        return self._exchange.verified


async def main() -> None:
    """Serve until told to end."""
    exchange = Exchange(Path(sys.argv[1]).read_text())  # noqa: ASYNC240 - before anything is served
    server = await asyncio.get_running_loop().create_server(web.Server(exchange.handle), "127.0.0.1", 0)
    say({"port": server.sockets[0].getsockname()[1]})
    control = Control(exchange)
    names = ("arrivals", "pace", "buckets", "hold", "forget")
    await controlled({name: getattr(control, name) for name in names})


if __name__ == "__main__":
    run(main())
