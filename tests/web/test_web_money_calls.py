"""Calls 5 to 9."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.history import LegMarketStatus, LegResult, LegView, ParlayStatus, PurchaseView
from hedge_service.core.money import Money, Price
from hedge_service.errors import BadRequest, Conflict, NotReady, Peer, PeerUnavailable, TooMany
from tests.web.web_fakes import NOW, SEAHAWKS, USER, FakeAccounts, FakeCheckouts, FakeQuoting, saved_bet

if TYPE_CHECKING:
    from tests.web.web_fakes import Client

LEG = {"marketTitle": "Seattle at Los Angeles", "optionLabel": "SEA", "prob": 43}


async def post(client: Client, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    async with client.post(path, json=body, headers={"Origin": "chrome-extension://abc"}) as response:
        return response.status, await response.json()


async def test_a_quote_is_sent_exactly_as_it_was_stored(client: Client, quoting: FakeQuoting) -> None:
    status, body = await post(client, "/api/quote", {"bets": [LEG], "stake": 5.1})
    quote = {"quoteId": "quo_1", "stake": 5, "payout": {"adjustedPayout": "30.96"}}
    assert (status, body) == (200, {"success": True, "quote": quote})
    asked, address = quoting.asked[0]
    assert (asked.stake, address) == (Money.of("5.10"), "127.0.0.1")


async def test_the_address_is_the_peers_own_whatever_headers_say(
    client: Client, quoting: FakeQuoting
) -> None:
    await client.post(
        "/api/quote", json={"bets": [LEG], "stake": 5}, headers={"X-Forwarded-For": "203.0.113.9"}
    )
    assert quoting.asked[0][1] == "127.0.0.1"


@pytest.mark.parametrize(
    ("failure", "status", "error"),
    [
        (BadRequest("A bet is not known", "Add it again."), 400, "A bet is not known"),
        (Conflict("A market is closed"), 409, "A market is closed"),
        (TooMany(retry_after_s=7), 429, "Too many requests"),
        (NotReady("Halted"), 503, "Halted"),
        (PeerUnavailable(Peer.EXCHANGE), 502, "The exchange can't be reached"),
        (RuntimeError("password is hunter2"), 500, "Internal error"),
    ],
)
async def test_every_failure_has_its_status_and_tells_no_more_than_it_may(
    client: Client, quoting: FakeQuoting, failure: Exception, status: int, error: str
) -> None:
    quoting.failure = failure
    answered, body = await post(client, "/api/quote", {"bets": [LEG], "stake": 5})
    assert (answered, body["error"]) == (status, error)
    assert body["details"]
    assert "hunter2" not in str(body)


async def test_too_many_quotes_say_when_to_come_back(client: Client, quoting: FakeQuoting) -> None:
    quoting.failure = TooMany(retry_after_s=7)
    response = await client.post("/api/quote", json={"bets": [LEG], "stake": 5})
    assert response.headers["Retry-After"] == "7"


async def test_a_checkout_gives_the_session_and_its_address(client: Client, checkouts: FakeCheckouts) -> None:
    asked = {"userId": USER, "stake": 5, "parlayBets": [{"id": 1}], "quote": {"quoteId": "quo_1"}}
    status, body = await post(client, "/api/create-checkout-session", asked)
    address = "https://checkout.stripe.com/c/pay/cs_test_a1"
    assert (status, body) == (200, {"sessionId": "cs_test_a1", "checkoutUrl": address})
    assert checkouts.asked[0].quote == {"quoteId": "quo_1"}


async def test_a_checkout_that_lacks_something_opens_nothing(
    client: Client, checkouts: FakeCheckouts
) -> None:
    status, body = await post(client, "/api/create-checkout-session", {"stake": 5})
    assert (status, body["error"], checkouts.asked) == (400, "User ID is required", [])


def bought() -> PurchaseView:
    settled = NOW + timedelta(hours=5)
    return PurchaseView(
        id="par_1",
        session_id="cs_test_a1",
        stake=Money.of(5),
        payout=Money.of("30.96"),
        bets=(saved_bet(),),
        completed_at=NOW,
        hedge_executed=True,
        status=ParlayStatus.WON,
        claimable=Money.of("30.96"),
        claimed_at=None,
        legs=(
            LegView(
                leg=1,
                ticker=SEAHAWKS,
                option_id=SEAHAWKS,
                market_status=LegMarketStatus.SETTLED,
                outcome=LegResult.WIN,
                settlement_price=Price.of(1),
                checked_at=settled,
                settled_at=settled,
            ),
        ),
    )


async def test_the_history_has_the_shape_of_the_contract(client: Client, accounts: FakeAccounts) -> None:
    accounts.bought.append(bought())
    history = await (await client.get(f"/api/parlay-history/{USER}")).json()
    purchases = await (await client.get(f"/api/purchase-history/{USER}")).json()
    assert history["success"] is purchases["success"] is True
    assert history["parlays"] == purchases["purchases"]
    parlay = history["parlays"][0]
    assert [bet["environment"] for bet in parlay.pop("parlay_data")] == ["demo"]
    assert parlay == {
        "id": "par_1",
        "session_id": "cs_test_a1",
        "stake": "5.00",
        "payout": "30.96",
        "completed_at": "2026-11-22T12:00:00.000Z",
        "hedge_executed": True,
        "parlay_status": "won",
        "claimable_amount": 30.96,
        "claimed_at": None,
        "legOutcomes": [
            {
                "id": "par_1-1",
                "purchase_id": "par_1",
                "leg_number": 1,
                "ticker": SEAHAWKS,
                "option_id": SEAHAWKS,
                "market_status": "settled",
                "outcome": "win",
                "settlement_price": "100.00",
                "checked_at": "2026-11-22T17:00:00.000Z",
                "settled_at": "2026-11-22T17:00:00.000Z",
            }
        ],
    }


async def test_an_unknown_user_has_an_empty_history_and_wallet(client: Client) -> None:
    history = await (await client.get("/api/parlay-history/nobody")).json()
    wallet = await (await client.get("/api/wallet/nobody")).json()
    assert (history, wallet) == ({"success": True, "parlays": []}, {"success": True, "balance": 0})


async def test_the_wallet_is_a_number_of_dollars(client: Client, accounts: FakeAccounts) -> None:
    accounts.balance = Money.of("30.96")
    wallet = await (await client.get(f"/api/wallet/{USER}")).json()
    assert wallet == {"success": True, "balance": 30.96}


async def test_a_claim_has_no_body_and_pays_what_was_won(client: Client, accounts: FakeAccounts) -> None:
    accounts.winnings["cs_test_a1"] = Money.of("30.96")
    response = await client.post("/api/claim-winnings/cs_test_a1")
    body = await response.json()
    assert (response.status, body["success"], body["amount"]) == (200, True, 30.96)
    assert "30.96" in body["message"]


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (None, 404),
        ("Parlay has not won or is not yet settled", 400),
        ("Winnings already claimed", 400),
    ],
)
async def test_a_claim_that_can_not_be_paid_says_why(
    client: Client, accounts: FakeAccounts, failure: str | None, status: int
) -> None:
    if failure is not None:
        accounts.winnings["cs_test_a1"] = BadRequest(failure)
    response = await client.post("/api/claim-winnings/cs_test_a1")
    sentence = "Parlay not found" if failure is None else failure
    assert (response.status, (await response.json())["error"]) == (status, sentence)
