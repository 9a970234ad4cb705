"""What programs read: pages of lists, one parlay whole, and figures that agree with the command line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS31Validator

from hedge_service.core.ledger import stake_received
from hedge_service.core.money import Money
from hedge_service.core.orders import AttemptState
from hedge_service.flow.operating import Operator, halt
from hedge_service.store import journal, ledger, parlays
from hedge_service.web.ops import openapi
from tests.store.parlay_samples import NOW, USER, put_attempt, put_parlay, put_sent, put_sold, put_state

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database
    from tests.web.ops.ops_stage import OpsStage

S = AttemptState


def conforms(body: Any, path: str) -> None:
    """Hold an answer against the description."""
    described = openapi.document("0.1.0")
    schema = described["paths"][f"/ops/api{path}"]["get"]["responses"]["200"]["content"]["application/json"]
    whole = {**schema["schema"], "components": described["components"]}
    OAS31Validator(whole).validate(body)


def many(number: int) -> Any:
    def put(tx: Connection) -> None:
        for one in range(1, number + 1):
            put_parlay(tx, one)

    return put


async def test_lists_come_in_pages_that_leave_nothing_out(ops: OpsStage, database: Database) -> None:
    await database.write(many(7))
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        status, body = await ops.api("GET", f"/parlays?limit=2{cursor}")
        assert status == 200
        conforms(body, "/parlays")
        seen += [one["parlay_id"] for one in body["items"]]
        cursor = f"&cursor={body['next']}"
    assert body["next"] is None
    assert len(seen) == len(set(seen)) == 7
    times = [one["accepted_at"] for one in (await ops.api("GET", "/parlays"))[1]["items"]]
    assert times == sorted(times, reverse=True)


async def test_the_audit_comes_in_pages_too(ops: OpsStage, database: Database) -> None:
    for reason in "abc":
        by = Operator(name="ann", reason=reason, at=NOW)
        await database.write(partial(halt, by=by))
    _, first = await ops.api("GET", "/audit?limit=2")
    _, second = await ops.api("GET", f"/audit?limit=2&cursor={first['next']}")
    conforms(first, "/audit")
    assert [one["reason"] for one in (*first["items"], *second["items"])] == ["c", "b", "a"]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=201", "limit=x", "limit=", "cursor=x", "cursor=-1", "cursor=9999999999999999"),
        *("state=nothing", "hedge=x", "q=", "q=%00", "unknown=1", "limit=1&limit=2", "cursor=1~%27"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(ops: OpsStage, query: str) -> None:
    status, body = await ops.api("GET", f"/parlays?{query}")
    assert (status, body["code"]) == (400, "bad_request")


async def test_a_parlay_is_found_by_whatever_it_is_known_by(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> str:
        put_parlay(tx, 2)
        attempt = put_sent(tx, put_attempt(tx), epoch=1, at=NOW)
        done = {"order_id": "ex-1", "fill_centis": 1000}
        journal.moved(tx, attempt, S.FILLED, at=NOW, event="order.filled", evidence={}, **done)
        return attempt.client_order_id

    order = await database.write(put)
    _, body = await ops.api("GET", "/parlays?q=cs_test_1")
    (found,) = body["items"]
    for name in (found["parlay_id"], "quote-1", order, "ex-1"):
        _, body = await ops.api("GET", f"/parlays?q={name}")
        assert [one["parlay_id"] for one in body["items"]] == [found["parlay_id"]]
    assert len((await ops.api("GET", "/parlays?q=KXA-1-SEA"))[1]["items"]) == 2
    assert not (await ops.api("GET", "/parlays?q=nobody"))[1]["items"]
    assert len((await ops.api("GET", "/parlays?state=open"))[1]["items"]) == 2
    assert not (await ops.api("GET", "/parlays?state=won"))[1]["items"]
    assert not (await ops.api("GET", "/parlays?hedge=executed"))[1]["items"]


async def test_a_parlay_tells_all_that_it_came_from_and_led_to(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> str:
        attempt = put_sent(tx, put_attempt(tx), epoch=1, at=NOW)
        put_state(tx, attempt, S.UNKNOWN, S.PARKED)
        parlay = parlays.by_session(tx, "cs_test_1")
        assert parlay is not None
        entry = stake_received(session_id="cs_test_1", parlay_id=parlay.id, stake=Money.of(5))
        ledger.post(tx, entry, NOW)
        parlays.summarized(tx, parlay.id, {"unhedged": "10.00"}, "unknown", NOW)
        return parlay.id

    parlay_id = await database.write(put)
    status, body = await ops.api("GET", f"/parlays/{parlay_id}")
    assert status == 200
    conforms(body, "/parlays/{parlay_id}")
    (intent,) = body["intents"]
    assert [event["event"] for event in intent["attempts"][0]["events"]] == [
        "order.sending",
        "order.moved",
        "order.moved",
    ]
    assert (intent["price"], intent["count"], intent["max_cost_dollars"]) == ("0.6700", "10.00", "7.00")
    assert [leg["ticker"] for leg in body["legs"]] == ["KXA-1-SEA", "KXB-1-BOS", "KXC-1-NYY"]
    assert body["quote"]["probability"] == "0.1453"
    assert {one["account"]: one["dollars"] for one in body["ledger"][0]["postings"]} == {
        "stripe": "5.00",
        "owed": "-5.00",
    }
    assert body["summary"]["figures"] == {"unhedged": "10.00"}
    # Whoever holds these ids may act as the user.
    assert "cs_test_1" not in str(body)
    assert USER not in str(body)
    assert (await ops.api("GET", "/parlays/par_none"))[0] == 404


async def test_orders_in_doubt_come_oldest_first_with_their_age(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> None:
        put_state(tx, put_sent(tx, put_attempt(tx, 1), epoch=1, at=NOW), S.UNKNOWN)
        put_state(tx, put_sent(tx, put_attempt(tx, 2), epoch=1, at=NOW), S.UNKNOWN, S.PARKED)
        put_attempt(tx, 3)

    await database.write(put)
    _, body = await ops.api("GET", "/orders")
    conforms(body, "/orders")
    assert [one["attempt"]["state"] for one in body["items"]] == ["unknown", "parked"]
    assert {one["age_s"] for one in body["items"]} == {300.0}
    _, body = await ops.api("GET", "/orders?state=parked&limit=1")
    assert (len(body["items"]), body["next"]) == (1, None)
    _, body = await ops.api("GET", "/orders?limit=1")
    _, rest = await ops.api("GET", f"/orders?limit=1&cursor={body['next']}")
    assert rest["items"][0] != body["items"][0]


async def test_only_the_newest_events_of_an_order_are_told(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> None:
        attempt = put_state(tx, put_sent(tx, put_attempt(tx), epoch=1, at=NOW), S.UNKNOWN, S.PARKED)
        for number in range(150):
            evidence = {"look": number}
            journal.noted(
                tx, attempt.client_order_id, S.PARKED, at=NOW, event="order.looked_up", evidence=evidence
            )

    await database.write(put)
    _, body = await ops.api("GET", "/orders")
    told = body["items"][0]["attempt"]
    assert (len(told["events"]), told["events_left_out"]) == (100, 53)
    assert told["events"][-1]["evidence"] == {"look": 149}


async def test_the_report_adds_up_and_leaves_out_only_what_it_says(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> None:
        for number in (1, 2, 3):
            put_parlay(tx, number)

    await database.write(put)
    status, body = await ops.api("GET", "/report?limit=2")
    conforms(body, "/report")
    assert (status, len(body["parlays"]), body["parlays_left_out"]) == (200, 2, 1)
    assert body["total"]["stake"] == "15.00"
    assert body["parlays"][0]["accepted_at"] > body["parlays"][1]["accepted_at"]
    _, body = await ops.api("GET", "/report?since=2026-11-23")
    assert (body["parlays"], body["since"]) == ([], "2026-11-23T00:00:00+00:00")
    assert (await ops.api("GET", "/report?since=2026-13-01"))[0] == 400


async def test_status_and_inbox_conform(ops: OpsStage, database: Database) -> None:
    await database.write(lambda tx: put_sold(tx, 5))
    await database.write(put_parlay)
    for path in ("/status", "/inbox", "/reconciliations", "/payments"):
        status, body = await ops.api("GET", path)
        assert status == 200
        conforms(body, path)


async def test_an_unknown_address_or_method_is_told_in_json(ops: OpsStage) -> None:
    assert (await ops.api("GET", "/nothing"))[0] == 404
    async with ops.http.delete(f"{ops.base}/ops/api/status", headers=ops.headers) as reply:
        assert (reply.status, reply.headers["Allow"]) == (405, "GET")
        assert (await reply.json())["code"] == "method_not_allowed"


async def test_the_description_is_served(ops: OpsStage) -> None:
    assert await ops.api("GET", "/openapi.json") == (200, openapi.document(ops.desk.version))
    assert (await ops.api("GET", "/openapi.json", headers={}))[0] == 401
