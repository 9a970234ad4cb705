"""History, claim and wallet as the extension reads them (calls 7 to 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.wire.extension.bets import bet_body
from hedge_service.wire.extension.figures import dollars, iso, iso_or_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.history import LegView, PurchaseView
    from hedge_service.core.money import Money, Price


def history_body(purchases: Sequence[PurchaseView]) -> dict[str, Any]:
    """Give call 7."""
    return {"success": True, "parlays": [_purchase(purchase) for purchase in purchases]}


def purchases_body(purchases: Sequence[PurchaseView]) -> dict[str, Any]:
    """Give the purchase history: the same fields under another name."""
    return {"success": True, "purchases": [_purchase(purchase) for purchase in purchases]}


def claim_body(amount: Money) -> dict[str, Any]:
    """Give call 8."""
    message = f"${amount} was added to your wallet"
    return {"success": True, "message": message, "amount": dollars(amount)}


def wallet_body(balance: Money) -> dict[str, Any]:
    """Give call 9."""
    return {"success": True, "balance": dollars(balance)}


def _purchase(purchase: PurchaseView) -> dict[str, Any]:
    return {
        "id": purchase.id,
        "session_id": purchase.session_id,
        "stake": str(purchase.stake),
        "payout": str(purchase.payout),
        "parlay_data": [bet_body(bet) for bet in purchase.bets],
        "completed_at": iso(purchase.completed_at),
        "hedge_executed": purchase.hedge_executed,
        "parlay_status": purchase.status.value,
        "claimable_amount": dollars(purchase.claimable),
        "claimed_at": iso_or_null(purchase.claimed_at),
        "legOutcomes": [_leg(purchase.id, leg) for leg in purchase.legs],
    }


def _leg(purchase_id: str, leg: LegView) -> dict[str, Any]:
    return {
        "id": f"{purchase_id}-{leg.leg}",
        "purchase_id": purchase_id,
        "leg_number": leg.leg,
        "ticker": leg.ticker,
        "option_id": leg.option_id,
        "market_status": leg.market_status.value,
        "outcome": leg.outcome.value,
        "settlement_price": _cents(leg.settlement_price),
        "checked_at": iso_or_null(leg.checked_at),
        "settled_at": iso_or_null(leg.settled_at),
    }


def _cents(price: Price | None) -> str | None:
    # Cents with two decimals: "100.00" for a contract that paid its dollar.
    return None if price is None else f"{price.dollars * 100:.2f}"
