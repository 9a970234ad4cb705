from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from hedge_service.clients.payments_errors import PaymentsRefused, PaymentsUnknown
from hedge_service.core.ids import checkout_reference
from hedge_service.core.money import Money
from hedge_service.core.parlay import CheckoutState
from hedge_service.errors import BadRequest, Conflict, NotReady
from hedge_service.store import bets, checkouts, quotes
from hedge_service.store.schema import checkouts as checkouts_table
from hedge_service.wire.stripe.keys import StripeMode
from hedge_service.wire.stripe.sessions import NewSession, SessionStatus
from tests.flow.selling_stage import ANN, BOB, CLASSIC, NOW, Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hedge_service.core.parlay import Checkout, Quote


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as opened:
        await opened.classic()
        yield opened


async def row(stage: Stage, quote: Quote) -> Checkout | None:
    return await stage.database.read(lambda tx: checkouts.of_quote(tx, quote))


async def refusal(stage: Stage, quote: Quote, /, **changes: Any) -> str:
    """Check out and give the code of the conflict, having seen that nothing was sent or written."""
    calls = stage.stripe.calls
    with pytest.raises(Conflict) as refused:
        await stage.open(quote, **changes)
    assert "Ask for a new quote" in refused.value.details
    assert stage.stripe.calls == calls
    return refused.value.code


async def test_a_quote_opens_one_session_of_its_stake(stage: Stage) -> None:
    quote = await stage.quote()
    opened = await stage.open(quote)
    reference = checkout_reference(quote.id)
    assert stage.stripe.sent == {
        reference: NewSession(
            quote_id=quote.id,
            reference=reference,
            environment="demo",
            legs=3,
            amount_cents=500,
            currency="usd",
            expires_at=NOW + timedelta(seconds=1860),
            public_url="http://localhost:4000",
        )
    }
    assert (opened.session_id, opened.state) == ("cs_test_1", CheckoutState.OPEN)
    assert opened.url == "https://checkout.stripe.com/c/cs_test_1"
    assert opened.window_ends_at == NOW + timedelta(seconds=1800)
    assert await row(stage, quote) == opened


async def test_the_row_is_written_before_stripe_is_asked(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.hold = asyncio.Event()
    opening = asyncio.create_task(stage.open(quote))
    while not stage.stripe.calls:  # noqa: ASYNC110 - the fake has no event of its own
        await asyncio.sleep(0)
    pending = await row(stage, quote)
    assert pending is not None
    assert (pending.state, pending.session_id) == (CheckoutState.PENDING, None)
    stage.stripe.hold.set()
    await opening


async def test_the_event_of_a_checkout_carries_digests_of_what_is_secret(stage: Stage) -> None:
    quote = await stage.quote()
    opened = await stage.open(quote)
    (event,) = stage.log.named("checkout.created")
    assert (event["quote_id"], event["amount_cents"]) == (quote.id, 500)
    assert opened.session_id not in event.values()
    assert ANN not in event.values()


async def test_a_second_checkout_of_a_quote_gives_the_same_session(stage: Stage) -> None:
    quote = await stage.quote()
    first = await stage.open(quote)
    assert await stage.open(quote) == first
    assert stage.stripe.calls == 1


async def test_two_checkouts_at_once_ask_stripe_once(stage: Stage) -> None:
    quote = await stage.quote()
    first, second = await asyncio.gather(stage.open(quote), stage.open(quote))
    assert first == second
    assert stage.stripe.calls == 1


async def test_a_popup_that_closes_leaves_no_session_unrecorded(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.hold = asyncio.Event()
    leaving = asyncio.create_task(stage.open(quote))
    while not stage.stripe.calls:  # noqa: ASYNC110 - the fake has no event of its own
        await asyncio.sleep(0)
    leaving.cancel()
    stage.stripe.hold.set()
    await stage.checkouts.close()
    opened = await row(stage, quote)
    assert opened is not None
    assert opened.session_id == "cs_test_1"


async def test_a_lost_reply_is_asked_for_again_with_the_same_parameters(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.lose = True
    with pytest.raises(PaymentsUnknown):
        await stage.open(quote)
    stage.clock.elapsed_s = 20
    assert (await stage.open(quote)).session_id == "cs_test_1"
    assert len(stage.stripe.sessions) == 1


async def test_a_lost_reply_is_found_again_after_the_quote_has_expired(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.lose = True
    with pytest.raises(PaymentsUnknown):
        await stage.open(quote)
    stage.clock.elapsed_s = 301
    assert (await stage.open(quote)).session_id == "cs_test_1"
    assert stage.stripe.calls == 1


async def test_a_session_that_never_was_is_not_opened_after_the_quote_has_expired(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.down = True
    with pytest.raises(PaymentsUnknown):
        await stage.open(quote)
    stage.clock.elapsed_s, stage.stripe.down = 301, False
    assert await refusal(stage, quote) == "quote_expired"
    assert stage.stripe.sessions == {}


async def test_a_refused_repetition_looks_for_the_first_copys_session(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.lose = True
    with pytest.raises(PaymentsUnknown):
        await stage.open(quote)
    stage.stripe.refuse = True
    assert (await stage.open(quote)).session_id == "cs_test_1"


async def test_a_refusal_ends_the_checkout(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.refuse = True
    with pytest.raises(PaymentsRefused) as refused:
        await stage.open(quote)
    assert "told to refuse" not in refused.value.details
    failed = await row(stage, quote)
    assert failed is not None
    assert failed.state is CheckoutState.FAILED
    assert len(stage.log.named("checkout.refused")) == 1
    stage.stripe.refuse = False
    assert await refusal(stage, quote) == "checkout_closed"
    assert (await stage.open(await stage.quote())).session_id == "cs_test_1"


async def test_stripe_out_of_reach_leaves_the_row_for_another_try(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.down = True
    with pytest.raises(PaymentsUnknown):
        await stage.open(quote)
    pending = await row(stage, quote)
    assert pending is not None
    assert pending.state is CheckoutState.PENDING
    stage.stripe.down = False
    assert (await stage.open(quote)).state is CheckoutState.OPEN


async def test_an_expired_quote_opens_no_session(stage: Stage) -> None:
    quote = await stage.quote()
    stage.clock.elapsed_s = 300
    assert await refusal(stage, quote) == "quote_expired"
    assert await row(stage, quote) is None


async def test_an_open_session_is_given_again_until_its_window_is_over(stage: Stage) -> None:
    quote = await stage.quote()
    first = await stage.open(quote)
    stage.clock.elapsed_s = 1799
    assert await stage.open(quote) == first
    stage.clock.elapsed_s = 1800
    assert await refusal(stage, quote) == "checkout_closed"


@pytest.mark.parametrize("state", [CheckoutState.EXPIRED, CheckoutState.FAILED])
async def test_a_closed_checkout_needs_a_new_quote(stage: Stage, state: CheckoutState) -> None:
    quote = await stage.quote()
    opened = await stage.open(quote)
    await stage.database.write(
        lambda tx: checkouts.moved(tx, opened.reference, state, session_id="cs_test_1")
    )
    assert await refusal(stage, quote) == "checkout_closed"


async def test_a_paid_quote_is_not_sold_again(stage: Stage) -> None:
    quote = await stage.quote()
    opened = await stage.open(quote)
    await stage.database.write(
        lambda tx: checkouts.moved(tx, opened.reference, CheckoutState.PAID, session_id="cs_test_1")
    )
    with pytest.raises(Conflict, match="already paid"):
        await stage.open(quote)


async def test_a_found_session_that_is_over_is_not_handed_out(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.lose = True
    with pytest.raises(PaymentsUnknown):
        await stage.open(quote)
    reference, session = next(iter(stage.stripe.sessions.items()))
    stage.stripe.sessions[reference] = replace(session, status=SessionStatus.EXPIRED, url=None)
    with pytest.raises(Conflict, match="closed"):
        await stage.open(quote)
    assert stage.log.named("checkout.created") == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("payout", "adjustedPayout"), "3096.00"),
        (("stake",), 4),
        (("hedgingStrategy", "hedgeBets", 0, "contracts"), 100),
        (("hedgingStrategy", "hedgeBets"), []),
        (("extra",), "field"),
    ],
)
async def test_an_edited_quote_is_refused(stage: Stage, path: tuple[Any, ...], value: object) -> None:
    quote = await stage.quote()
    edited = deepcopy(dict(quote.body))
    inner: Any = edited
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert await refusal(stage, quote, quote=edited) == "quote_edited"
    assert await row(stage, quote) is None


async def test_a_quote_whose_numbers_a_browser_rewrote_is_taken(stage: Stage) -> None:
    quote = await stage.quote()
    echoed = dict(quote.body) | {"stake": 5.0}
    assert (await stage.open(quote, quote=echoed)).session_id == "cs_test_1"


@pytest.mark.parametrize("quote_id", ["unknown", "", None, 7, ["quote-1"], "x" * 10_000])
async def test_a_quote_id_that_nobody_gave_is_refused(stage: Stage, quote_id: object) -> None:
    quote = await stage.quote()
    assert await refusal(stage, quote, quote={**quote.body, "quoteId": quote_id}) == "quote_unknown"
    assert await refusal(stage, quote, quote={}) == "quote_unknown"


async def test_another_stake_than_the_quotes_is_refused(stage: Stage) -> None:
    quote = await stage.quote()
    assert await refusal(stage, quote, stake=Money.of("4.99")) == "stake_mismatch"


async def test_a_strangers_quote_is_refused(stage: Stage) -> None:
    quote = await stage.quote()
    await stage.classic(BOB)
    assert await refusal(stage, quote, user_id=BOB) == "quote_foreign"


async def test_another_users_bets_are_not_ones_own(stage: Stage) -> None:
    quote = await stage.quote()
    theirs = await stage.save(BOB, *CLASSIC)
    assert await refusal(stage, quote, bet_ids=tuple(bet.id for bet in theirs)) == "bets_unknown"


async def test_bets_that_are_not_the_quotes_legs_are_refused(stage: Stage) -> None:
    quote = await stage.quote()
    (other,) = await stage.save(ANN, "KXD-1-LAL")
    assert await refusal(stage, quote) == "bets_mismatch"
    assert await refusal(stage, quote, bet_ids=(1, 2)) == "bets_mismatch"
    assert await refusal(stage, quote, bet_ids=(1, 2, other.id)) == "bets_mismatch"
    assert await refusal(stage, quote, bet_ids=(1, 2, 2)) == "bets_unknown"
    assert (await stage.open(quote, bet_ids=(3, 1, 2))).session_id == "cs_test_1"


async def test_a_quote_of_two_users_becomes_the_quote_of_who_checks_it_out(stage: Stage) -> None:
    theirs = await stage.classic(BOB)
    quote = await stage.quote()
    assert quote.user_id == ""
    await stage.open(quote, user=BOB)
    bound = await stage.database.read(lambda tx: quotes.get(tx, quote.id))
    assert bound is not None
    assert bound.user_id == BOB
    assert tuple(leg.bet for leg in bound.legs) == theirs
    assert await refusal(stage, quote) == "quote_foreign"


async def test_a_bet_saved_again_since_the_quote_is_the_one_that_is_sold(stage: Stage) -> None:
    quote = await stage.quote()
    await stage.database.write(lambda tx: bets.remove(tx, ANN, 2))
    (again,) = await stage.save(ANN, "KXB-1-BOS")
    await stage.open(quote)
    bound = await stage.database.read(lambda tx: quotes.get(tx, quote.id))
    assert bound is not None
    assert [leg.bet.id for leg in bound.legs] == [1, again.id, 3]


async def test_another_environment_is_refused(stage: Stage) -> None:
    quote = await stage.quote()
    with pytest.raises(BadRequest, match="another environment"):
        await stage.open(quote, environment="production")
    assert (await stage.open(quote, environment="demo")).session_id == "cs_test_1"


async def test_without_a_stripe_key_payments_are_closed(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.configured = False
    with pytest.raises(NotReady, match="not configured"):
        await stage.open(quote)
    assert stage.stripe.calls == 0


async def test_a_live_key_in_dry_run_opens_no_session(stage: Stage) -> None:
    quote = await stage.quote()
    stage.stripe.mode = StripeMode.LIVE
    with pytest.raises(NotReady, match="closed") as refused:
        await stage.open(quote)
    assert refused.value.code == "live_key_in_dry_run"
    assert (stage.stripe.calls, await row(stage, quote)) == (0, None)


async def test_while_nothing_may_be_sold_no_session_is_opened(stage: Stage) -> None:
    quote = await stage.quote()
    stage.closed = NotReady("Halted")
    with pytest.raises(NotReady, match="Halted"):
        await stage.open(quote)
    assert await row(stage, quote) is None


async def test_the_cap_on_what_is_owed_holds_when_sessions_are_opened_at_once(tmp_path: Path) -> None:
    limits = {
        "LIMITS__MAX_OPEN_PAYOUT_DOLLARS": "70",
        "LIMITS__MAX_PAYOUT_DOLLARS": "50",
        "LIMITS__MAX_STAKE_DOLLARS": "10",
    }
    async with open_stage(tmp_path, **limits) as stage:
        await stage.classic()
        offered = [await stage.quote() for _ in range(4)]
        results = await asyncio.gather(*(stage.open(quote) for quote in offered), return_exceptions=True)
        refused = [result for result in results if isinstance(result, Conflict)]
        assert len(refused) == 2
        assert {error.code for error in refused} == {"open_payout_cap"}
        rows = select(func.count()).select_from(checkouts_table)
        assert await stage.database.read(lambda tx: tx.execute(rows).scalar_one()) == 2
