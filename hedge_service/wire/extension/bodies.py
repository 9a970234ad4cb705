"""Request bodies of calls 3, 5 and 6 as values. Raises BadRequest with sentences that clients may show."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from hedge_service.core.market import Side
from hedge_service.core.money import Money
from hedge_service.core.parlay import AskedCheckout, AskedLeg, AskedQuote, NewBet
from hedge_service.errors import BadRequest
from hedge_service.wire.extension import names
from hedge_service.wire.extension.figures import exact
from hedge_service.wire.extension.text import clean, image_url, market_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.core.market import Market

Body = dict[str, Any]

MAX_LEGS = 50
MAX_NAME = 200
PERCENT = 100
CENT = Decimal("0.01")
# Far above any cap that the configuration allows: only keeps figures within what tables hold.
LARGEST_STAKE = Decimal(1_000_000)
_STAKE_RULE = "The stake is a JSON number of dollars above 0 with at most two decimals."


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBet:
    """A bet to save, cleaned but not yet confirmed by the exchange; `environment` None: the service's own."""

    market_id: str
    market_title: str
    market_url: str
    image_url: str | None
    option_id: str
    option_label: str
    prob: Decimal
    ticker: str
    side: Side
    environment: str | None

    def confirmed(self, market: Market, *, user_id: str, own_environment: str) -> NewBet:
        """Give the bet to save on the market that the exchange knows under its ticker."""
        return NewBet(
            user_id=user_id,
            market_id=self.market_id,
            market_title=self.market_title,
            market_url=self.market_url,
            image_url=self.image_url,
            option_id=self.option_id,
            option_label=self.option_label,
            prob=self.prob,
            ticker=market.ticker,
            event_ticker=market.event_ticker,
            side=self.side,
            environment=own_environment if self.environment is None else self.environment,
        )


def load(payload: bytes) -> Body:
    """Read a body as a JSON object. Raises BadRequest; NaN, Infinity and broken text are no JSON."""
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise BadRequest("Request body is not valid JSON", "Send a JSON object.") from None
    if not isinstance(body, dict):
        raise BadRequest("Request body must be a JSON object", "Send a JSON object.")
    return body


def read_bet(body: Body) -> AskedBet:
    """Read the body of call 3."""
    return AskedBet(
        market_id=_text(body, "marketId", MAX_NAME),
        market_title=_text(body, "marketTitle"),
        market_url=market_url(body.get("marketUrl")),
        image_url=image_url(body.get("imageUrl")),
        option_id=_text(body, "optionId", MAX_NAME),
        option_label=_text(body, "optionLabel"),
        prob=_prob(body),
        ticker=names.ticker(_text(body, "ticker", MAX_NAME)),
        side=_side(body.get("side")),
        environment=names.environment(body.get("environment")),
    )


def read_quote(body: Body) -> AskedQuote:
    """Read the body of call 5; `userId`, and `id` and `ticker` of a bet, come from newer clients only."""
    bets = body.get("bets")
    if not isinstance(bets, list) or not bets:
        raise BadRequest("Bets array is required", "Add at least one bet, then ask for a quote.")
    stake = _stake(body)
    return AskedQuote(
        legs=tuple(_leg(bet) for bet in _bounded(bets)),
        stake=stake,
        user_id=None if body.get("userId") is None else _user(body),
    )


def read_checkout(body: Body) -> AskedCheckout:
    """Read the body of call 6. The echoed quote is passed on as it came."""
    user, stake = _user(body), _stake(body)
    bets = body.get("parlayBets")
    if not isinstance(bets, list) or not bets:
        raise BadRequest("Parlay bets are required", "Add at least one bet, then ask for a quote.")
    quote = body.get("quote")
    if not isinstance(quote, dict):
        raise BadRequest("Quote is required", "Ask for a quote, then check out with it.")
    return AskedCheckout(
        user_id=user,
        stake=stake,
        bet_ids=tuple(_bet_id(_object(bet)) for bet in _bounded(bets)),
        quote=quote,
        environment=names.environment(body.get("environment")),
    )


def _leg(value: Any) -> AskedLeg:
    bet = _object(value)
    if bet.get("prob") is not None:
        _prob(bet)
    return AskedLeg(
        market_title=_text(bet, "marketTitle"),
        option_label=_text(bet, "optionLabel"),
        bet_id=None if bet.get("id") is None else _bet_id(bet),
        ticker=None if bet.get("ticker") is None else names.ticker(_text(bet, "ticker", MAX_NAME)),
    )


def _bounded(bets: list[Any]) -> list[Any]:
    if len(bets) > MAX_LEGS:
        raise BadRequest("Too many bets", f"A parlay has at most {MAX_LEGS} bets.")
    return bets


def _object(value: Any) -> Body:
    if not isinstance(value, dict):
        raise BadRequest("A bet is not valid", "Every bet is a JSON object.")
    return value


def _text(body: Mapping[str, Any], name: str, limit: int | None = None) -> str:
    value = body.get(name)
    text = "" if not isinstance(value, str) else clean(value) if limit is None else clean(value, limit)
    if not text:
        raise BadRequest(f"{name} is required", f"{name} is a text that is not empty.")
    return text


def _prob(body: Mapping[str, Any]) -> Decimal:
    prob = exact(body.get("prob"))
    if prob is None or not 0 <= prob <= PERCENT:
        raise BadRequest("prob is not valid", "prob is a JSON number from 0 to 100, not a text.")
    return prob


def _stake(body: Mapping[str, Any]) -> Money:
    stake = exact(body.get("stake"))
    if stake is None or not CENT <= stake <= LARGEST_STAKE or stake % CENT:
        raise BadRequest("Valid stake amount is required", _STAKE_RULE)
    return Money.of(stake)


def _side(value: Any) -> Side:
    if value is None:
        return Side.YES
    if value not in ("yes", "no"):
        raise BadRequest("side is not valid", 'Use "yes" or "no".')
    return Side(value)


def _user(body: Mapping[str, Any]) -> str:
    value = body.get("userId")
    if not isinstance(value, str) or not value:
        raise BadRequest("User ID is required", "Send the userId that the bets were saved under.")
    return names.user_id(value)


def _bet_id(bet: Mapping[str, Any]) -> int:
    value = bet.get("id")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= names.LARGEST_ID:
        raise BadRequest("A bet's id is not valid", "Send the id that the bet was saved under.")
    return value
