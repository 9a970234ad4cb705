from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.market import Side
from hedge_service.core.money import Money
from hedge_service.errors import BadRequest
from hedge_service.wire.extension import bodies

LEG = {"marketTitle": "Seattle at Los Angeles", "optionLabel": "SEA", "prob": 43}
BET = {
    "marketId": "kxnflgame-25nov16seala",
    "marketTitle": " Seattle at\n Los Angeles ",
    "marketUrl": "https://kalshi.com/markets/kxnflgame",
    "imageUrl": None,
    "optionId": "KXNFLGAME-25NOV16SEALA-SEA",
    "optionLabel": "SEA",
    "prob": 43.5,
    "ticker": "kxnflgame-25nov16seala-sea",
}


def refusal(read: Any, body: dict[str, Any]) -> str:
    with pytest.raises(BadRequest) as refused:
        read(body)
    assert refused.value.details
    return refused.value.error


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"<html>", b'{"stake": NaN}', b'{"stake": Infinity}', b"\xff", b'{"a":"\\ud800"}']
)
def test_a_body_that_is_not_json_is_refused(payload: bytes) -> None:
    assert refusal(bodies.load, payload) == "Request body is not valid JSON"  # type: ignore[arg-type]


@pytest.mark.parametrize("payload", [b"[]", b"null", b"5", b'"text"'])
def test_a_body_that_is_no_object_is_refused(payload: bytes) -> None:
    assert refusal(bodies.load, payload) == "Request body must be a JSON object"  # type: ignore[arg-type]


def test_a_deeply_nested_body_is_refused_cleanly() -> None:
    assert refusal(bodies.load, b"[" * 200_000) == "Request body is not valid JSON"  # type: ignore[arg-type]


@given(st.integers(min_value=1, max_value=100_000_000))
def test_a_stake_in_whole_cents_is_read_to_the_cent(cents: int) -> None:
    payload = orjson.dumps({"stake": cents / 100, "bets": [LEG]})
    assert bodies.read_quote(bodies.load(payload)).stake == Money.cents(cents)


@pytest.mark.parametrize("written", [b"5.1", b"5.10", b"51e-1"])
def test_a_stake_is_the_decimal_that_was_typed(written: bytes) -> None:
    body = bodies.load(b'{"stake": %b, "bets": []}' % written) | {"bets": [LEG]}
    assert bodies.read_quote(body).stake == Money.of("5.10")


@pytest.mark.parametrize(
    "stake", [None, 0, -1, 1.005, 0.001, "5", "", True, [], {}, 1e16, 1_000_001, 2**63, 1e-300, float("nan")]
)
def test_other_stakes_are_refused(stake: object) -> None:
    body = {"stake": stake, "bets": [LEG], "userId": "u", "parlayBets": [{"id": 1}], "quote": {}}
    assert refusal(bodies.read_quote, body) == "Valid stake amount is required"
    assert refusal(bodies.read_checkout, body) == "Valid stake amount is required"


@pytest.mark.parametrize("bets", [None, [], {}, "text", 5])
def test_a_quote_needs_bets(bets: object) -> None:
    assert refusal(bodies.read_quote, {"bets": bets, "stake": 5}) == "Bets array is required"


@pytest.mark.parametrize(
    "leg", [None, 5, "SEA", [], {}, LEG | {"marketTitle": 5}, LEG | {"optionLabel": "\x00"}]
)
def test_a_leg_that_names_nothing_is_refused(leg: object) -> None:
    refusal(bodies.read_quote, {"bets": [leg], "stake": 5})


def test_too_many_legs_are_refused() -> None:
    assert refusal(bodies.read_quote, {"bets": [LEG] * 51, "stake": 5}) == "Too many bets"


@pytest.mark.parametrize("prob", ["43", True, -1, 100.5, 1e300, []])
def test_a_prob_that_is_no_percentage_is_refused_everywhere(prob: object) -> None:
    assert refusal(bodies.read_quote, {"bets": [LEG | {"prob": prob}], "stake": 5}) == "prob is not valid"
    assert refusal(bodies.read_bet, BET | {"prob": prob}) == "prob is not valid"


def test_a_quote_of_a_shipped_client_is_read_with_titles_cleaned_as_when_saved() -> None:
    saved = bodies.read_bet(BET)
    asked = bodies.read_quote({"bets": [{**LEG, "marketTitle": BET["marketTitle"]}], "stake": 5})
    assert asked.legs[0].market_title == saved.market_title == "Seattle at Los Angeles"
    assert (asked.user_id, asked.legs[0].bet_id, asked.legs[0].ticker) == (None, None, None)


def test_a_newer_client_may_name_user_bet_and_ticker() -> None:
    leg = LEG | {"id": 7, "ticker": "kxa-b-c"}
    asked = bodies.read_quote({"bets": [leg], "stake": 5, "userId": "user_1"})
    assert (asked.user_id, asked.legs[0].bet_id, asked.legs[0].ticker) == ("user_1", 7, "KXA-B-C")


def test_a_bet_is_read_cleaned_with_its_ticker_in_upper_case() -> None:
    bet = bodies.read_bet(BET | {"imageUrl": "javascript:alert(1)", "marketUrl": "https://evil.example"})
    assert (bet.ticker, bet.side, bet.prob) == ("KXNFLGAME-25NOV16SEALA-SEA", Side.YES, Decimal("43.5"))
    assert (bet.image_url, bet.market_url, bet.environment) == (None, "", None)


@pytest.mark.parametrize("name", ["marketId", "marketTitle", "optionId", "optionLabel", "ticker"])
def test_a_bet_without_one_of_its_texts_is_refused_by_name(name: str) -> None:
    assert refusal(bodies.read_bet, {key: BET[key] for key in BET if key != name}) == f"{name} is required"


@pytest.mark.parametrize(
    "wrong", [{"side": "maybe"}, {"side": []}, {"environment": "moon"}, {"ticker": "a,b"}]
)
def test_a_bet_with_an_unknown_word_is_refused(wrong: dict[str, Any]) -> None:
    refusal(bodies.read_bet, BET | wrong)


def test_a_no_bet_is_read() -> None:
    assert bodies.read_bet(BET | {"side": "no"}).side is Side.NO


CHECKOUT: dict[str, Any] = {
    "userId": "user_1",
    "stake": 5,
    "parlayBets": [{"id": 3}, {"id": 1}],
    "quote": {"quoteId": "q", "stake": 5.0},
    "environment": "demo",
}


def test_a_checkout_is_read_with_the_quote_as_it_came() -> None:
    asked = bodies.read_checkout(CHECKOUT)
    assert (asked.user_id, asked.stake, asked.bet_ids) == ("user_1", Money.of(5), (3, 1))
    assert (asked.quote, asked.environment) == (CHECKOUT["quote"], "demo")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"userId": None}, "User ID is required"),
        ({"userId": ""}, "User ID is required"),
        ({"userId": 5}, "User ID is required"),
        ({"userId": "a/b"}, "User ID is not valid"),
        ({"parlayBets": []}, "Parlay bets are required"),
        ({"parlayBets": "x"}, "Parlay bets are required"),
        ({"parlayBets": [{"id": "1"}]}, "A bet's id is not valid"),
        ({"parlayBets": [{"id": True}]}, "A bet's id is not valid"),
        ({"parlayBets": [{"id": 0}]}, "A bet's id is not valid"),
        ({"parlayBets": [5]}, "A bet is not valid"),
        ({"quote": None}, "Quote is required"),
        ({"quote": []}, "Quote is required"),
        ({"environment": 5}, "Environment is not valid"),
    ],
)
def test_a_checkout_that_lacks_something_says_what(wrong: dict[str, Any], sentence: str) -> None:
    assert refusal(bodies.read_checkout, CHECKOUT | wrong) == sentence
