"""The public listener: which address leads to which handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from hedge_service.web import extension, health, pages, webhooks
from hedge_service.web.keys import DOORS
from hedge_service.web.middleware import MIDDLEWARES
from hedge_service.web.replies import MAX_BODY_BYTES

if TYPE_CHECKING:
    from hedge_service.web.keys import Doors


def web_application(doors: Doors) -> web.Application:
    """Make the application of the public listener."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MAX_BODY_BYTES)
    app[DOORS] = doors
    setup_routes(app)
    return app


def setup_routes(app: web.Application) -> None:
    """Add every address."""
    app.add_routes(
        [
            web.get("/api/kalshi/market/{id}", extension.market),
            web.get("/api/parlay/{userId}", extension.list_bets),
            web.post("/api/parlay/{userId}", extension.add_bet),
            web.delete("/api/parlay/{userId}", extension.clear_bets),
            web.delete("/api/parlay/{userId}/{betId}", extension.remove_bet),
            web.post("/api/quote", extension.quote),
            web.post("/api/create-checkout-session", extension.checkout),
            web.get("/api/parlay-history/{userId}", extension.parlay_history),
            web.get("/api/purchase-history/{userId}", extension.purchase_history),
            web.post("/api/claim-winnings/{sessionId}", extension.claim),
            web.get("/api/wallet/{userId}", extension.wallet),
            web.post("/api/webhook", webhooks.stripe_webhook),
            web.get("/payment-success", pages.payment_success),
            web.get("/payment-cancel", pages.payment_cancel),
            web.get("/health", health.health),
            web.get("/api/health", health.health),
            web.get("/ready", health.ready),
        ]
    )
