"""The Stripe stand-in through stripe-python, as the service uses it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import stripe

from hedge_service.sandbox.stripe import StripeStandIn
from tests.sandbox.stripe_stage import KEY, START, Clock, Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def stage(clock: Clock) -> AsyncIterator[Stage]:
    async with open_stage(clock) as opened:
        yield opened


async def test_a_session_carries_what_was_asked_for(stage: Stage) -> None:
    session = await stage.create()
    assert session.id.startswith("cs_test_")
    assert (session.amount_total, session.currency, session.status) == (500, "usd", "open")
    assert (session.payment_status, session.payment_intent, session.livemode) == ("unpaid", None, False)
    assert session.metadata.to_dict() == {"quote_id": "quote_1", "user": "user_1"}
    assert session.client_reference_id == "quote_1"
    assert session.url == f"{stage.base}/sandbox/pay/{session.id}"
    assert session.expires_at == START + 1860
    assert (await stage.v1.checkout.sessions.retrieve_async(session.id)).to_dict() == session.to_dict()


async def test_line_items_are_listed_and_expanded(stage: Stage) -> None:
    session = await stage.create()
    listed = await stage.v1.checkout.sessions.line_items.list_async(session.id)
    again = await stage.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["line_items"]})
    assert listed.data[0].amount_total == 500
    assert again.line_items.data[0].description == "Parlay <b>& more"


async def test_a_live_key_makes_live_objects() -> None:
    standin = StripeStandIn(api_key="rk_live_x", clock=Clock())
    assert standin.books.livemode
    assert standin.books.new_session_id().startswith("cs_live_")


async def test_the_same_idempotency_key_gives_the_same_session(stage: Stage) -> None:
    first = await stage.create(key="k1")
    second = await stage.create(key="k1")
    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(stage.standin.books.sessions) == 1


async def test_an_idempotency_key_with_other_parameters_is_refused(stage: Stage) -> None:
    await stage.create(key="k1")
    with pytest.raises(stripe.IdempotencyError):
        await stage.create(key="k1", client_reference_id="another")


async def test_twenty_creations_at_once_with_one_key_make_one_session(stage: Stage) -> None:
    made = await asyncio.gather(*(stage.create(key="k1") for _ in range(20)))
    assert len({session.id for session in made}) == 1


async def test_a_refused_request_is_not_remembered_under_its_key(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await stage.create(key="k1", mode="setup")
    assert (await stage.create(key="k1")).status == "open"


PRICE = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "x"}}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"expires_at": START + 1799}, "expires_at"),
        ({"expires_at": START + 86_401}, "expires_at"),
        ({"mode": "subscription"}, "mode"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"quantity": 0, "price_data": PRICE}]}, "line_items[0][quantity]"),
        ({"line_items": [{"quantity": 1, "price_data": {**PRICE, "unit_amount": 49}}]}, "line_items"),
        (
            {"line_items": [{"quantity": 1, "price_data": {**PRICE, "unit_amount": "1.5"}}]},
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"line_items": [{"quantity": 1, "price_data": {**PRICE, "currency": "dollars"}}]},
            "line_items[0][price_data][currency]",
        ),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"surprise": "x"}, "surprise"),
    ],
)
async def test_bad_parameters_are_refused_by_name(stage: Stage, changes: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.create(**changes)
    assert (refused.value.http_status, refused.value.param) == (400, param)


async def test_metadata_at_its_limits_is_taken(stage: Stage) -> None:
    metadata = {f"{n:040d}": "v" * 500 for n in range(50)}
    assert (await stage.create(metadata=metadata)).metadata.to_dict() == metadata


async def test_a_wrong_key_is_refused_without_being_repeated(stage: Stage) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        await stage.client_for("sk_test_wrong_and_secret").v1.events.list_async()
    assert "secret" not in str(refused.value)


async def test_basic_authentication_works_too(stage: Stage) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(KEY, "")}
    async with stage.http.get(f"{stage.base}/v1/account", headers=headers) as reply:
        assert (await reply.json())["object"] == "account"
    assert (await stage.v1.accounts.retrieve_current_async()).default_currency == "usd"


async def test_unknown_objects_and_paths_are_404(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.checkout.sessions.retrieve_async("cs_test_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await stage.v1.customers.list_async()
    assert unknown.value.http_status == 404


async def test_a_card_payment_completes_the_session_with_all_its_objects(stage: Stage) -> None:
    session = await stage.create(payment_intent_data={"metadata": {"quote_id": "quote_1"}})
    paid = await stage.pay(session.id)
    assert paid["redirect"].endswith(f"session_id={session.id}")
    path = "payment_intent.latest_charge.balance_transaction"
    found = await stage.v1.checkout.sessions.retrieve_async(session.id, {"expand": [path]})
    assert (found.status, found.payment_status) == ("complete", "paid")
    charge = found.payment_intent.latest_charge
    assert (charge.amount, charge.created, charge.balance_transaction.fee) == (500, START, 45)
    assert charge.balance_transaction.net == 455
    assert found.payment_intent.metadata.to_dict() == {"quote_id": "quote_1"}
    listed = await stage.v1.charges.list_async({"payment_intent": found.payment_intent.id})
    assert [item.id for item in listed.data] == [charge.id]
    event = await stage.v1.events.retrieve_async(paid["event"])
    assert event.type == "checkout.session.completed"
    assert event.data.object.payment_status == "paid"


async def test_a_session_is_paid_once(stage: Stage) -> None:
    session = await stage.create()
    await stage.pay(session.id)
    refused = await stage.post(f"pay/{session.id}", status=400)
    assert "complete" in refused["error"]["message"]
    assert len(stage.standin.books.charges) == 1


async def test_an_asynchronous_payment_is_unpaid_until_it_succeeds(stage: Stage) -> None:
    session = await stage.create()
    paid = await stage.pay(session.id, "async")
    assert paid["session"]["status"] == "complete"
    assert paid["session"]["payment_status"] == "unpaid"
    ended = await stage.post(f"stripe/async/{session.id}", outcome="succeeded")
    assert ended["session"]["payment_status"] == "paid"
    events = await stage.v1.events.list_async({"types": ["checkout.session.async_payment_succeeded"]})
    assert [event.id for event in events.data] == [ended["event"]]
    await stage.post(f"stripe/async/{session.id}", status=400, outcome="succeeded")


async def test_an_asynchronous_payment_may_fail(stage: Stage) -> None:
    session = await stage.create()
    await stage.pay(session.id, "async")
    ended = await stage.post(f"stripe/async/{session.id}", outcome="failed")
    assert ended["session"]["payment_status"] == "unpaid"
    charge = stage.standin.books.charges.newest_first()[0]
    assert (charge["status"], charge["paid"], charge["balance_transaction"]) == ("failed", False, None)


async def test_the_pay_page_escapes_and_its_button_leads_back(stage: Stage) -> None:
    session = await stage.create()
    async with stage.http.get(session.url) as page:
        text = await page.text()
        assert "Parlay &lt;b&gt;&amp; more" in text
        assert "5.00 USD" in text
    async with stage.http.post(session.url, data={}, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"].endswith(f"?session_id={session.id}")
    async with stage.http.get(session.url) as page:
        assert "<button>" not in await page.text()
    async with stage.http.get(f"{stage.base}/sandbox/pay/cs_none") as page:
        assert page.status == 404


async def test_a_session_expires_by_command_by_api_and_by_time(stage: Stage, clock: Clock) -> None:
    first, second, third = [await stage.create(client_reference_id=name) for name in "abc"]
    assert (await stage.v1.checkout.sessions.expire_async(first.id)).status == "expired"
    await stage.post(f"stripe/expire/{second.id}")
    clock.now += 1860
    assert (await stage.v1.checkout.sessions.retrieve_async(third.id)).status == "expired"
    events = await stage.v1.events.list_async({"type": "checkout.session.expired"})
    assert [event.data.object.client_reference_id for event in events.data] == ["c", "b", "a"]
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.checkout.sessions.expire_async(first.id)
    await stage.post(f"pay/{third.id}", status=400)


async def test_lists_are_paged_newest_first_and_filtered(stage: Stage, clock: Clock) -> None:
    made = []
    for _ in range(5):
        made.append((await stage.create()).id)
        clock.now += 1
    page = await stage.v1.checkout.sessions.list_async({"limit": 2})
    assert ([item.id for item in page.data], page.has_more) == (made[:2:-1], True)
    rest = await stage.v1.checkout.sessions.list_async({"limit": 3, "starting_after": made[3]})
    assert ([item.id for item in rest.data], rest.has_more) == (made[2::-1], False)
    before = await stage.v1.checkout.sessions.list_async({"limit": 1, "ending_before": made[2]})
    assert ([item.id for item in before.data], before.has_more) == ([made[3]], True)
    recent = await stage.v1.checkout.sessions.list_async({"created": {"gte": START + 3}, "status": "open"})
    assert [item.id for item in recent.data] == made[:2:-1]
    everything = [item.id async for item in page.auto_paging_iter()]
    assert everything == made[::-1]
    for wrong in ({"limit": 101}, {"starting_after": "cs_none"}, {"colour": "red"}):
        with pytest.raises(stripe.InvalidRequestError):
            await stage.v1.checkout.sessions.list_async(wrong)


async def test_events_are_filtered_by_types_and_time(stage: Stage, clock: Clock) -> None:
    session = await stage.create()
    await stage.pay(session.id)
    clock.now += 10
    await stage.post("stripe/refund", session=session.id)
    both = ["checkout.session.completed", "charge.refunded"]
    listed = await stage.v1.events.list_async({"types": both, "created": {"gte": START}})
    assert [event.type for event in listed.data] == both[::-1]
    later = await stage.v1.events.list_async({"types": both, "created": {"gt": START}})
    assert [event.type for event in later.data] == both[1:]
    starred = await stage.v1.events.list_async({"type": "checkout.*"})
    assert [event.type for event in starred.data] == both[:1]


async def test_refunds_are_exact_and_idempotent(stage: Stage) -> None:
    session = await stage.create()
    await stage.pay(session.id)
    intent = (await stage.v1.checkout.sessions.retrieve_async(session.id)).payment_intent
    params = {"payment_intent": intent, "amount": 200, "metadata": {"why": "drift"}}
    first, second = [await stage.v1.refunds.create_async(params, {"idempotency_key": "r"}) for _ in range(2)]
    assert first.id == second.id
    assert (first.amount, first.status, first.metadata.to_dict()) == (200, "succeeded", {"why": "drift"})
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.refunds.create_async({"charge": first.charge, "amount": 301})
    await stage.v1.refunds.create_async({"charge": first.charge})
    with pytest.raises(stripe.InvalidRequestError) as over:
        await stage.v1.refunds.create_async({"charge": first.charge})
    assert over.value.code == "charge_already_refunded"
    charge = await stage.v1.charges.retrieve_async(first.charge)
    assert (charge.amount_refunded, charge.refunded) == (500, True)
    assert len((await stage.v1.refunds.list_async({"payment_intent": intent})).data) == 2
    booked = await stage.v1.balance_transactions.retrieve_async(first.balance_transaction)
    assert (booked.amount, booked.fee, booked.type) == (-200, 0, "refund")


async def test_the_events_of_partial_and_full_refunds_show_how_far_they_went(stage: Stage) -> None:
    session = await stage.create()
    await stage.pay(session.id)
    await stage.post("stripe/refund", session=session.id, amount=100)
    await stage.post("stripe/refund", session=session.id)
    events = await stage.v1.events.list_async({"type": "charge.refunded"})
    states = [(event.data.object.amount_refunded, event.data.object.refunded) for event in events.data]
    assert states == [(500, True), (100, False)]


async def test_a_dispute_takes_the_money_and_a_won_one_brings_it_back(stage: Stage) -> None:
    session = await stage.create()
    await stage.pay(session.id)
    opened = (await stage.post("stripe/dispute", session=session.id))["dispute"]
    assert (opened["amount"], opened["status"]) == (500, "needs_response")
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.refunds.create_async({"charge": opened["charge"]})
    closed = (await stage.post("stripe/dispute", dispute=opened["id"], close="won"))["dispute"]
    assert closed["status"] == "won"
    assert sum(booked["amount"] for booked in closed["balance_transactions"]) == 0
    await stage.post("stripe/dispute", status=400, dispute=opened["id"], close="lost")
    types = [event["type"] for event in stage.standin.books.events.newest_first()]
    assert types[:2] == ["charge.dispute.closed", "charge.dispute.created"]
