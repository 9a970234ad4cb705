"""Whether a checkout request is for the quote that is stored: decided without a wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.legs import outcomes
from hedge_service.core.parlay import CheckoutState
from hedge_service.errors import Conflict
from hedge_service.wire.extension.quote import same_quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hedge_service.core.parlay import AskedCheckout, Bet, Checkout, Quote

AGAIN = "Nothing was charged. Ask for a new quote."


def quote_again(error: str, code: str) -> Conflict:
    """Give the refusal of a quote that can't be sold."""
    return Conflict(error, AGAIN, code=code)


def check_echo(quote: Quote, asked: AskedCheckout) -> None:
    """Refuse a quote of somebody else, an edited one and another stake. Raises Conflict."""
    if quote.user_id not in ("", asked.user_id):
        raise quote_again("The quote belongs to somebody else", "quote_foreign")
    if not same_quote(quote.body, asked.quote):
        raise quote_again("The quote was changed", "quote_edited")
    if quote.stake != asked.stake:
        raise quote_again("The stake is not the quote's", "stake_mismatch")


def check_own_bets(quote: Quote, bet_ids: Sequence[int], saved: Sequence[Bet]) -> tuple[Bet, ...]:
    """Give the user's saved bets that are sold: just the ids sent, just the quote's legs. Raises Conflict."""
    by_id = {bet.id: bet for bet in saved}
    if len(set(bet_ids)) != len(bet_ids) or not by_id.keys() >= set(bet_ids):
        raise quote_again("The bets are not your saved bets", "bets_unknown")
    own = tuple(by_id[bet_id] for bet_id in bet_ids)
    # A user has one bet per ticker and side, so equal sets and lengths mean the very same legs.
    if len(own) != len(quote.legs) or outcomes(own) != outcomes(leg.bet for leg in quote.legs):
        raise quote_again("The bets are not the quote's", "bets_mismatch")
    return own


def check_known(known: Checkout, asked: AskedCheckout, now: datetime) -> None:
    """Refuse what the quote's one checkout no longer allows."""
    if known.user_id != asked.user_id:
        raise quote_again("The quote belongs to somebody else", "quote_foreign")
    if known.state is CheckoutState.PAID:
        raise Conflict("The quote is already paid", "Look for it in your parlays.", code="quote_paid")
    over = known.state in {CheckoutState.EXPIRED, CheckoutState.FAILED} or now >= known.window_ends_at
    if over or (known.state is CheckoutState.OPEN and known.url is None):
        raise quote_again("The checkout is closed", "checkout_closed")
