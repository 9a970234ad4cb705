"""The exchange's client: orders out, everything else in. It sends what it is told and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.clients.kalshi.account_reads import AccountReads
from hedge_service.clients.kalshi.caller import Ask, Caller
from hedge_service.clients.kalshi.errors import Undelivered
from hedge_service.clients.kalshi.market_reads import MarketReads
from hedge_service.clients.kalshi.portfolio_reads import PortfolioReads
from hedge_service.clients.meter import UNMETERED
from hedge_service.core.orders import Throttled, Unproved, Unsent
from hedge_service.wire.kalshi import portfolio
from hedge_service.wire.kalshi.orders import CREATE_PATH, classify

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedge_service.clients.kalshi.signer import Signer
    from hedge_service.clients.kalshi.transport import Transport
    from hedge_service.clients.limiter import RateLimiter
    from hedge_service.clients.meter import Meter
    from hedge_service.clock import Clock
    from hedge_service.core.orders import Order, Reply
    from hedge_service.core.venue import CancelResult

READ_TIMEOUT_S = 5.0
CANCEL_PATH = "/portfolio/events/orders/{order_id}"


class KalshiClient(MarketReads, PortfolioReads, AccountReads):
    """One account's subaccount at one exchange. `base_url` carries the prefix /trade-api/v2.

    Without a `signer` only public market data can be read; everything else is refused by the exchange.
    """

    def __init__(
        self,
        *,
        base_url: str,
        signer: Signer | None,
        transport: Transport,
        limiter: RateLimiter,
        clock: Clock,
        subaccount: int = 0,
        order_timeout_s: float = 10.0,
        read_timeout_s: float = READ_TIMEOUT_S,
        meter: Meter = UNMETERED,
    ) -> None:
        caller = Caller(
            base_url=base_url,
            signer=signer,
            transport=transport,
            limiter=limiter,
            clock=clock,
            read_timeout_s=read_timeout_s,
            meter=meter,
        )
        PortfolioReads.__init__(self, caller, subaccount=subaccount)
        self._base_url = base_url.rstrip("/")
        self._order_timeout_s = order_timeout_s

    @property
    def limiter(self) -> RateLimiter:
        """The limiter that every read and cancel pays, and that a sender of orders must ask first."""
        return self._caller.limiter

    @property
    def create_url(self) -> str:
        """Where orders are sent."""
        return self._base_url + CREATE_PATH

    @property
    def create_cost(self) -> int:
        """Write tokens that one order costs."""
        return self._caller.costs.of("POST", CREATE_PATH)

    async def create_order(self, order: Order, body: bytes, *, on_written: Callable[[], None]) -> Reply:
        """Sign and send one order once, never again by itself; the caller holds a grant of the write bucket.

        `body` is what the journal keeps of the order (see `create_bytes`), the same bytes at every send.

        `on_written` is called when the connection stands, just before the first byte: spend the grant and
        check the lease there. If it raises, nothing is written and the exception comes out unchanged.
        Raises nothing else for what the network does; cancellation comes out as itself: outcome unknown.
        """
        try:
            response = await self._caller.send(
                "POST", CREATE_PATH, body=body, timeout_s=self._order_timeout_s, on_written=on_written
            )
        except Undelivered as failure:
            return Unproved(reason=failure.reason) if failure.begun else Unsent(reason=failure.reason)
        self.limiter.write.arrived()
        reply = classify(response.status, response.body, order)
        if isinstance(reply, Throttled):
            self.limiter.write.throttled()
        return reply

    async def cancel_order(self, order_id: str, market_ticker: str) -> CancelResult | None:
        """Cancel what rests of an order; None when the exchange has no such live order (look it up then).

        Raises ExchangeRefused, PeerPaused, PeerUnavailable (nothing was sent) or OutcomeUnknown.
        """
        ask = Ask(
            method="DELETE",
            path=CANCEL_PATH,
            segments={"order_id": order_id},
            # Without the market the request goes to shard 0 and finds nothing elsewhere.
            query={"market_ticker": market_ticker, "subaccount": self._subaccount},
            priority=True,
        )
        return await self._caller.find(ask, portfolio.cancelled)
