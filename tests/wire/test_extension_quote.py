from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from hedge_service.core.hedging import Strategy, hedge_amounts
from hedge_service.core.market import Side
from hedge_service.core.money import Money, Price
from hedge_service.core.parlay import Bet
from hedge_service.core.pricing import Leg, ParlayPrice, joint
from hedge_service.wire.extension.quote import Analysis, Correlations, Offer, quote_body, same_quote

MADE = datetime(2026, 11, 22, 12, 0, 0, 120_000, tzinfo=UTC)


def bet(number: int) -> Bet:
    return Bet(
        id=number,
        user_id="user_1",
        market_id=f"kxgame-{number}",
        market_title=f"Game {number}",
        market_url="https://kalshi.com/markets/x",
        image_url=None,
        option_id=f"KXGAME-{number}-A",
        option_label="A",
        prob=Decimal(50),
        ticker=f"KXGAME-{number}-A",
        event_ticker=f"KXGAME-{number}",
        side=Side.YES,
        environment="demo",
    )


def offer(*asks: str, stake: str = "5", edge: str = "-0.0151", **changes: Any) -> Offer:
    bets = tuple(bet(number) for number in range(1, len(asks) + 1))
    legs = tuple(
        Leg(number=b.id, ticker=b.ticker, event_ticker=b.event_ticker, side=b.side, ask=Price.of(ask))
        for b, ask in zip(bets, asks, strict=True)
    )
    price = ParlayPrice(stake=Money.of(stake), share=Decimal("0.90"), joint=joint(legs))
    figures: dict[str, Any] = {
        "quote_id": "q1",
        "created_at": MADE,
        "expires_at": MADE + timedelta(minutes=5),
        "bets": bets,
        "legs": legs,
        "hedges": hedge_amounts(Strategy.BANDS, stake=price.stake, payout=price.payout, legs=legs),
        "price": price,
        "strategy": Strategy.BANDS,
        "edge": Money.of(edge),
        "analysis": Analysis(correlations=Correlations.INDEPENDENT, why="not_needed"),
    }
    return Offer(**(figures | changes))


CLASSIC = quote_body(offer("0.43", "0.52", "0.65"))


def test_the_classic_parlay_shows_the_check_figures() -> None:
    assert CLASSIC["payout"] == {
        "naivePayout": "34.40",
        "recommendedPayoutPercentage": 90,
        "adjustedPayout": "30.96",
        "potentialProfit": "25.96",
        "effectiveOdds": "6.19",
    }
    assert CLASSIC["analysis"]["naiveCombinedProbability"] == "14.53%"
    assert CLASSIC["analysis"]["adjustedProbability"] == "14.53%"
    assert CLASSIC["analysis"]["correlationFactor"] == 1


def test_the_classic_rule_hedges_legs_two_and_three() -> None:
    hedging = CLASSIC["hedgingStrategy"]
    assert hedging["needsHedging"] is True
    assert [
        (b["leg"], b["hedgeAmount"], b["contracts"], b["cost"], b["potentialWin"])
        for b in hedging["hedgeBets"]
    ] == [(2, "0.75", 1, "0.52", "1.00"), (3, "2.00", 3, "1.95", "3.00")]
    assert (hedging["totalHedgeCost"], hedging["totalHedgeAmount"]) == ("2.47", "2.75")
    assert hedging["skipped"] == [{"leg": 1, "reason": "below_band"}]
    assert hedging["hedgeBets"][0]["ticker"] == "KXGAME-2-A"
    assert hedging["hedgeBets"][0]["marketId"] == "kxgame-2"


def test_numbers_are_numbers_and_money_is_text() -> None:
    assert CLASSIC["quoteId"] == "q1"
    assert (CLASSIC["stake"], type(CLASSIC["stake"])) == (5, int)
    assert CLASSIC["bets"][0] == {"market": "Game 1", "option": "A", "probability": 43}
    assert quote_body(offer("0.435", stake="5.50"))["stake"] == 5.5
    assert quote_body(offer("0.435"))["bets"][0]["probability"] == 43.5


def test_times_are_written_as_browsers_do() -> None:
    assert CLASSIC["timestamp"] == "2026-11-22T12:00:00.120Z"
    assert CLASSIC["expiresAt"] == "2026-11-22T12:05:00.120Z"


def test_an_edge_below_zero_carries_a_warning() -> None:
    assert CLASSIC["house"]["edge"] == "-0.02"
    assert CLASSIC["house"]["warning"]
    assert quote_body(offer("0.43", edge="0.10"))["house"] == {
        "edge": "0.10",
        "edgePercentage": "2.00%",
        "warning": None,
    }


def test_a_quote_without_the_model_says_so() -> None:
    analysis = Analysis(correlations=Correlations.PRODUCT, why="timeout")
    told = quote_body(offer("0.43", "0.52", analysis=analysis))["analysis"]
    assert (told["correlationSource"], told["correlationReason"]) == ("product", "timeout")
    assert told["confidenceLevel"] == "low"


@pytest.mark.parametrize("source", list(Correlations))
def test_every_text_of_the_analysis_is_there(source: Correlations) -> None:
    analysis = quote_body(offer("0.4", analysis=Analysis(correlations=source, why="x")))["analysis"]
    for name in ("correlationAnalysis", "reasoning", "riskAssessment", "confidenceLevel"):
        assert isinstance(analysis[name], str)
        assert analysis[name]


def test_a_quote_sent_back_through_json_is_the_same() -> None:
    stored, echoed = orjson.loads(orjson.dumps(CLASSIC)), orjson.loads(orjson.dumps(CLASSIC))
    assert same_quote(stored, echoed)


def test_browsers_may_turn_whole_floats_into_integers() -> None:
    assert same_quote({"stake": 5.0}, {"stake": 5})
    assert same_quote({"stake": 5}, {"stake": 5.0})
    assert not same_quote({"stake": 5}, {"stake": "5"})
    assert not same_quote({"stake": 5}, {"stake": 5.01})


@pytest.mark.parametrize(
    ("stored", "echoed"),
    [(1, True), (True, 1), (False, 0), (None, False), (0, None), ("", None), ([], {}), ({}, []), ("1", 1)],
)
def test_values_of_other_kinds_are_never_equal(stored: object, echoed: object) -> None:
    assert not same_quote(stored, echoed)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("payout", "adjustedPayout"), "3096.00"),
        (("stake",), 6),
        (("hedgingStrategy", "hedgeBets", 0, "contracts"), 100),
        (("hedgingStrategy", "hedgeBets", 0, "ticker"), "KXOTHER"),
        (("hedgingStrategy", "needsHedging"), 1),
        (("bets",), []),
        (("expiresAt",), "2027-11-22T12:05:00.120Z"),
        (("added",), "x"),
    ],
)
def test_an_edited_quote_is_another_quote(path: tuple[Any, ...], value: object) -> None:
    edited = deepcopy(CLASSIC)
    inner: Any = edited
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert not same_quote(CLASSIC, edited)


def test_a_field_left_out_makes_another_quote() -> None:
    for name in CLASSIC:
        assert not same_quote(CLASSIC, {key: CLASSIC[key] for key in CLASSIC if key != name})
