"""Saved bets as the extension reads them (calls 2 and 3, and inside the history)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.wire.extension.figures import number

if TYPE_CHECKING:
    from hedge_service.core.parlay import Bet


def bet_body(bet: Bet) -> dict[str, Any]:
    """Give a Bet; `side` is ours, older clients ignore it."""
    return {
        "id": bet.id,
        "marketId": bet.market_id,
        "marketTitle": bet.market_title,
        "marketUrl": bet.market_url,
        "imageUrl": bet.image_url,
        "optionId": bet.option_id,
        "optionLabel": bet.option_label,
        "prob": number(bet.prob),
        "ticker": bet.ticker,
        "environment": bet.environment,
        "side": bet.side.value,
    }
