"""The model's client, with OpenAI's own library, against a stand-in on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import openai._base_client
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hedge_service.clients.advisor import AdviceOutcome, Advised, Advisor, NoAdvice, NotAdvised
from hedge_service.core.market import Side
from hedge_service.core.money import Money
from hedge_service.wire.advice import LegFacts, PlanPick, Question
from hedge_service.wire.advice_plans import PlanFacts

KEY = "sk-inventedsecret"
GOOD = {
    "correlations": [{"first_leg": 1, "second_leg": 2, "correlation": 0.35, "reason": "same game"}],
    "summary": "Two legs share a game.",
    "risk_assessment": "Medium.",
    "confidence_level": "high",
}

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def leg(n: int) -> LegFacts:
    return LegFacts(
        n=n,
        ticker=f"KXA-{n}",
        event_ticker="KXA",
        event_title="Seattle at Los Angeles",
        market_title="Winner",
        yes_sub_title="Seattle",
        side=Side.YES,
        probability=Decimal("0.52"),
    )


QUESTION = Question(legs=(leg(1), leg(2)))


def response(*content: dict[str, Any], status: str | None = "completed", **changes: Any) -> dict[str, Any]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": content,
        "status": "completed",
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "model": "model-of-the-day",
        "output": [message | {"status": "completed"}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **changes,
    }


def text(body: object) -> dict[str, Any]:
    spoken = body if isinstance(body, str) else json.dumps(body)
    return {"type": "output_text", "text": spoken, "annotations": []}


REFUSED = {"type": "refusal", "refusal": "I can't help with that."}


def answer(body: Any, status: int = 200) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers={"retry-after-ms": "1"})

    return reply


def raw(body: bytes, content_type: str = "application/json") -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type)

    return reply


def redirect(to: str) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": to})

    return reply


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


@dataclass(slots=True)
class StandIn:
    """Answers from a list, the last one again and again; remembers what it was asked."""

    replies: list[Reply] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorization: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.authorization = request.headers["Authorization"]
        self.reached.set()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return await reply(request)


@pytest.fixture(autouse=True)
def _no_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.0)


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
async def base(stand_in: StandIn) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/responses", stand_in.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1"))


def advisor_at(base_url: str, timeout_s: float = 20, **changes: Any) -> Advisor:
    ticks = iter(range(1000))
    values: dict[str, Any] = {"model": "model-asked", "monotonic": lambda: next(ticks) / 4} | changes
    return Advisor(KEY, base_url=base_url, timeout_s=timeout_s, **values)


@pytest.fixture
async def advisor(base: str) -> AsyncIterator[Advisor]:
    client = advisor_at(base)
    yield client
    await client.close()


@pytest.fixture
async def hasty(base: str) -> AsyncIterator[Advisor]:
    client = advisor_at(base, timeout_s=0.3)
    client._client = client._build()
    yield client
    await client.close()


def why(outcome: AdviceOutcome) -> NoAdvice:
    assert isinstance(outcome, NotAdvised)
    assert KEY not in repr(outcome)
    return outcome.reason


async def test_a_good_answer_is_advice(advisor: Advisor, stand_in: StandIn) -> None:
    stand_in.replies = [answer(response(text(GOOD)))]
    outcome = await advisor.ask(QUESTION)
    assert isinstance(outcome, Advised)
    assert [pair.correlation for pair in outcome.advice.correlations] == [Decimal("0.35")]
    assert (outcome.model, outcome.response_id) == ("model-of-the-day", "resp_1")
    assert outcome.latency_ms == 250


async def test_the_legs_go_out_as_the_users_data_with_a_strict_schema(
    advisor: Advisor, stand_in: StandIn
) -> None:
    stand_in.replies = [answer(response(text(GOOD)))]
    await advisor.ask(QUESTION)
    asked = stand_in.asked[0]
    assert (asked["model"], asked["store"]) == ("model-asked", False)
    assert [part["role"] for part in asked["input"]] == ["system", "user"]
    assert "Seattle" not in asked["input"][0]["content"]
    assert json.loads(asked["input"][1]["content"])["pairs"] == [[1, 2]]
    assert asked["text"]["format"]["strict"] is True
    assert set(asked["text"]["format"]["schema"]["required"]) == set(GOOD)
    assert stand_in.authorization == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(response(REFUSED)), NoAdvice.REFUSAL),
        (answer(response(text(GOOD), REFUSED)), NoAdvice.REFUSAL),
        (answer(response(text(GOOD), status="incomplete")), NoAdvice.INCOMPLETE),
        (answer(response(text(GOOD), status="failed")), NoAdvice.UNAVAILABLE),
        (answer(response(text(GOOD), status="in_progress")), NoAdvice.UNAVAILABLE),
        (answer(response(text(GOOD), status=None)), NoAdvice.WRONG_SHAPE),
        (answer(response(text('{"correlations": ['), status="incomplete")), NoAdvice.WRONG_SHAPE),
        (answer(response(text("I think they correlate."))), NoAdvice.WRONG_SHAPE),
        (answer(response(text({"correlations": []}))), NoAdvice.WRONG_SHAPE),
        (answer(response(text(json.dumps(GOOD).replace("0.35", "NaN")))), NoAdvice.WRONG_SHAPE),
        (answer(response()), NoAdvice.WRONG_SHAPE),
        (answer(response(output=[])), NoAdvice.WRONG_SHAPE),
        (answer(response(output=None)), NoAdvice.WRONG_SHAPE),
        (answer(response(output="text")), NoAdvice.WRONG_SHAPE),
        (answer({}), NoAdvice.WRONG_SHAPE),
        (answer([]), NoAdvice.WRONG_SHAPE),
        (answer(None), NoAdvice.WRONG_SHAPE),
        (raw(b"{broken"), NoAdvice.WRONG_SHAPE),
        (raw(b"<html>", "text/html"), NoAdvice.WRONG_SHAPE),
        (answer({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401), NoAdvice.REJECTED),
        (answer({"error": {"message": "no such model"}}, 404), NoAdvice.REJECTED),
        (answer({"error": {"message": "slow down"}}, 429), NoAdvice.UNAVAILABLE),
        (answer({"error": {"message": "oops"}}, 500), NoAdvice.UNAVAILABLE),
        (redirect("http://203.0.113.9/v1/responses"), NoAdvice.UNAVAILABLE),
        (reset, NoAdvice.UNAVAILABLE),
    ],
)
async def test_every_other_answer_is_an_outcome_with_a_reason(
    advisor: Advisor, stand_in: StandIn, reply: Reply, reason: NoAdvice
) -> None:
    stand_in.replies = [reply]
    assert why(await advisor.ask(QUESTION)) is reason


async def test_a_question_with_plans_wants_one_of_them_named_in_the_same_call(
    advisor: Advisor, stand_in: StandIn
) -> None:
    money = dict.fromkeys(("ev", "sd", "worst", "cvar", "outlay", "fees"), Money.of(1))
    plan = PlanFacts(plan_id="bands", contracts={}, p_loss=Decimal(0), **money)
    choosing = replace(QUESTION, plans=(plan,), default="bands", measure="cvar")
    named = {"plan": {"plan_id": "bands", "reason": "cheap"}}
    stand_in.replies = [answer(response(text(GOOD | named))), answer(response(text(GOOD)))]
    outcome = await advisor.ask(choosing)
    assert isinstance(outcome, Advised)
    assert outcome.advice.plan == PlanPick(plan_id="bands", reason="cheap", offered=True)
    assert [pair.correlation for pair in outcome.advice.correlations] == [Decimal("0.35")]
    assert set(stand_in.asked[0]["text"]["format"]["schema"]["required"]) == {*GOOD, "plan"}
    assert why(await advisor.ask(choosing)) is NoAdvice.WRONG_SHAPE


async def test_one_failure_is_tried_again(advisor: Advisor, stand_in: StandIn) -> None:
    stand_in.replies = [answer({"error": {}}, 500), answer(response(text(GOOD)))]
    assert isinstance(await advisor.ask(QUESTION), Advised)
    assert len(stand_in.asked) == 2


async def test_a_silent_model_is_given_up_within_the_bound(hasty: Advisor, stand_in: StandIn) -> None:
    stand_in.replies = [hang]
    async with asyncio.timeout(25):
        assert why(await hasty.ask(QUESTION)) is NoAdvice.TIMEOUT


async def test_a_model_that_asks_for_a_long_wait_is_given_up_within_the_bound(
    hasty: Advisor, stand_in: StandIn
) -> None:
    async def later(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {}}, status=429, headers={"retry-after": "30"})

    stand_in.replies = [later]
    async with asyncio.timeout(25):
        assert why(await hasty.ask(QUESTION)) is NoAdvice.TIMEOUT


async def test_no_model_at_all_is_an_outcome(unused_tcp_port: int) -> None:
    client = advisor_at(f"http://127.0.0.1:{unused_tcp_port}/v1")
    assert why(await client.ask(QUESTION)) is NoAdvice.UNAVAILABLE
    await client.close()


@pytest.mark.parametrize(
    ("key", "enabled", "reason"),
    [(None, True, NoAdvice.NO_KEY), ("", True, NoAdvice.NO_KEY), (KEY, False, NoAdvice.DISABLED)],
)
async def test_without_a_key_or_switched_off_nothing_is_sent(
    base: str, stand_in: StandIn, key: str | None, enabled: bool, reason: NoAdvice
) -> None:
    client = Advisor(key, model="m", timeout_s=5, monotonic=lambda: 0.0, base_url=base, enabled=enabled)
    assert client.silent is reason
    assert why(await client.ask(QUESTION)) is reason
    assert stand_in.asked == []
    await client.close()


async def test_the_address_never_comes_from_the_librarys_own_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://203.0.113.9/v1")
    client = advisor_at("")
    assert client._build().base_url.host == "api.openai.com"


async def test_two_first_questions_at_once_share_one_client(advisor: Advisor, stand_in: StandIn) -> None:
    stand_in.replies = [answer(response(text(GOOD)))]
    outcomes = await asyncio.gather(advisor.ask(QUESTION), advisor.ask(QUESTION))
    assert all(isinstance(outcome, Advised) for outcome in outcomes)


async def test_cancelling_a_question_is_not_swallowed(advisor: Advisor, stand_in: StandIn) -> None:
    stand_in.replies = [hang]
    asking = asyncio.create_task(advisor.ask(QUESTION))
    await stand_in.reached.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize(("key", "enabled", "loaded"), [(KEY, True, 1), (None, True, 0), (KEY, False, 0)])
def test_the_library_is_loaded_by_warming_and_only_where_questions_are_sent(
    key: str | None, enabled: bool, loaded: int
) -> None:
    program = f"""import sys
from hedge_service.clients.advisor import Advisor
one = Advisor({key!r}, model="m", timeout_s=1, monotonic=lambda: 0.0, enabled={enabled})
before = "openai" in sys.modules
one.warm()
sys.exit(10 if before else "openai" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == loaded
