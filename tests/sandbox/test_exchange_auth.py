"""Who may ask what: signatures, clocks, scopes, and the buckets that pay."""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.sandbox.exchange_stage import BTC, KEY_ID, ORDERS, PREFIX, SEA, Stage, public_pem, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

BALANCE = "/portfolio/balance"


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def error_of(answer: Any) -> tuple[int, str, str]:
    error = answer.json["error"]
    return answer.status, error["code"], error.get("details", "")


async def test_rsa_and_ed25519_keys_are_told_apart_by_parsing(
    exchange_stage: Stage, rsa_key: rsa.RSAPrivateKey
) -> None:
    for key in (rsa_key, Ed25519PrivateKey.generate()):
        await exchange_stage.control("/keys", key_id="other", public_key_pem=public_pem(key))
        exchange_stage.key, exchange_stage.key_id = key, "other"
        assert (await exchange_stage.create()).status == 201


async def test_a_query_is_sent_but_not_signed(exchange_stage: Stage) -> None:
    assert (await exchange_stage.call("GET", "/portfolio/orders", query={"limit": "5"})).status == 200
    headers = exchange_stage.signed("GET", "/portfolio/orders?limit=5")
    answer = await exchange_stage.call("GET", "/portfolio/orders", query={"limit": "5"}, headers=headers)
    assert error_of(answer) == (401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE")


async def test_the_path_is_signed_as_it_was_sent(exchange_stage: Stage) -> None:
    encoded = "/portfolio/orders/a%2Fb"
    headers = exchange_stage.signed("GET", encoded)
    url = type(exchange_stage.base)(f"{exchange_stage.base.origin()}{PREFIX}{encoded}", encoded=True)
    async with exchange_stage.session.get(url, headers=headers) as reply:
        assert reply.status == 404


FORGERIES: list[tuple[str, Callable[[dict[str, str]], dict[str, str]], str, str]] = [
    (
        "unsigned",
        lambda h: {k: v for k, v in h.items() if not k.endswith("SIGNATURE")},
        "signature_is_missing_from_headers",
        "",
    ),
    (
        "no time",
        lambda h: {k: v for k, v in h.items() if not k.endswith("STAMP")},
        "timestamp_is_missing_from_headers",
        "",
    ),
    ("no key", lambda _: {}, "key_is_missing_from_headers", ""),
    ("foreign key", lambda h: h | {"KALSHI-ACCESS-KEY": "nobody"}, "authentication_error", "NOT_FOUND"),
    (
        "other time",
        lambda h: h | {"KALSHI-ACCESS-TIMESTAMP": str(int(h["KALSHI-ACCESS-TIMESTAMP"]) + 1)},
        "authentication_error",
        "INCORRECT_API_KEY_SIGNATURE",
    ),
    (
        "no base64",
        lambda h: h | {"KALSHI-ACCESS-SIGNATURE": "*"},
        "authentication_error",
        "INCORRECT_API_KEY_SIGNATURE",
    ),
    (
        "time is text",
        lambda h: h | {"KALSHI-ACCESS-TIMESTAMP": "soon"},
        "authentication_error",
        "INVALID_TIMESTAMP",
    ),
]


@pytest.mark.parametrize(
    ("forge", "code", "details"), [f[1:] for f in FORGERIES], ids=[f[0] for f in FORGERIES]
)
async def test_a_forged_request_is_refused_in_the_nested_shape(
    exchange_stage: Stage, forge: Callable[[dict[str, str]], dict[str, str]], code: str, details: str
) -> None:
    headers = forge(exchange_stage.signed("POST", ORDERS))
    answer = await exchange_stage.call("POST", ORDERS, exchange_stage.order(), headers=headers)
    assert error_of(answer) == (401, code, details)
    assert not exchange_stage.exchange.registry.orders


async def test_the_wrong_padding_is_refused(exchange_stage: Stage, rsa_key: rsa.RSAPrivateKey) -> None:
    await exchange_stage.control("/keys", key_id=KEY_ID, public_key_pem=public_pem(rsa_key))
    headers = exchange_stage.signed("GET", BALANCE)
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}GET{PREFIX}{BALANCE}".encode()
    old = base64.b64encode(rsa_key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
    answer = await exchange_stage.call("GET", BALANCE, headers=headers | {"KALSHI-ACCESS-SIGNATURE": old})
    assert error_of(answer)[2] == "INCORRECT_API_KEY_SIGNATURE"


@pytest.mark.parametrize(
    ("seconds", "status"), [(10, 200), (-10, 200), (10.1, 401), (-10.1, 401), (300, 401)]
)
async def test_a_signature_is_good_for_ten_seconds_either_way(
    exchange_stage: Stage, seconds: float, status: int
) -> None:
    headers = exchange_stage.signed("GET", BALANCE)
    exchange_stage.exchange.settings.clock_offset_s = seconds
    answer = await exchange_stage.call("GET", BALANCE, headers=headers)
    assert answer.status == status
    if status == 401:
        assert error_of(answer)[1] == "header_timestamp_expired"


async def test_a_wrong_clock_shows_in_the_date_header_and_in_the_check(exchange_stage: Stage) -> None:
    before = exchange_stage.signed("GET", BALANCE)
    await exchange_stage.control("/clock", offset_s=-60)
    refused = await exchange_stage.call("GET", BALANCE, headers=before)
    assert refused.status == 401
    assert parsedate_to_datetime(refused.headers["Date"]).timestamp() == exchange_stage.clock() - 60
    assert (await exchange_stage.call("GET", BALANCE)).status == 200


async def test_market_data_needs_no_signature(exchange_stage: Stage) -> None:
    for path in (
        f"/markets/{SEA}",
        "/exchange/status",
        "/account/endpoint_costs",
        f"/markets/{SEA}/orderbook",
    ):
        assert (await exchange_stage.call("GET", path, headers={})).status == 200
    for path in (BALANCE, "/account/limits", "/api_keys", "/historical/orders"):
        assert (await exchange_stage.call("GET", path, headers={})).status == 401


async def test_a_key_does_what_its_scopes_say(exchange_stage: Stage) -> None:
    pem = public_pem(exchange_stage.key)
    await exchange_stage.control("/keys", key_id=KEY_ID, public_key_pem=pem, scopes=["read"])
    assert (await exchange_stage.create()).status == 403
    await exchange_stage.control("/keys", key_id=KEY_ID, public_key_pem=pem, subaccount=3)
    assert (await exchange_stage.create()).status == 403
    assert (await exchange_stage.call("GET", BALANCE)).status == 403
    assert (await exchange_stage.call("GET", BALANCE, query={"subaccount": "3"})).status == 200
    exchange_stage.exchange.account(3).cash[0] = 10**9
    assert (await exchange_stage.create(subaccount=3)).status == 201


async def test_a_basic_account_sends_ten_orders_and_then_ten_a_second(exchange_stage: Stage) -> None:
    await exchange_stage.control("/limits", tier="basic")
    statuses = [(await exchange_stage.create()).status for _ in range(11)]
    assert statuses == [201] * 10 + [429]
    refused = await exchange_stage.create()
    assert refused.json == {"error": "too many requests"}
    assert not {"Retry-After", "X-RateLimit-Remaining"} & set(refused.headers)
    exchange_stage.clock.forward(0.0999)
    assert (await exchange_stage.create()).status == 429
    exchange_stage.clock.forward(0.0001)
    assert (await exchange_stage.create()).status == 201
    assert (await exchange_stage.create()).status == 429
    book = await exchange_stage.control("/book", "GET")
    assert (book["rate_limited"], len(book["orders"])) == (4, 11)


async def test_a_refused_id_is_free_to_be_sent_again(exchange_stage: Stage) -> None:
    await exchange_stage.control("/limits", write={"refill_rate": 10, "bucket_capacity": 0})
    body = exchange_stage.order()
    assert (await exchange_stage.call("POST", ORDERS, body)).status == 429
    await exchange_stage.control("/limits", tier="basic")
    assert (await exchange_stage.call("POST", ORDERS, body)).status == 201


async def test_reads_cancels_and_batches_cost_what_the_table_says(exchange_stage: Stage) -> None:
    await exchange_stage.control("/limits", tier="basic")
    batch = {"orders": [exchange_stage.order(count="0.01") for _ in range(11)]}
    assert (await exchange_stage.call("POST", f"{ORDERS}/batched", batch)).status == 429
    cancels = [(await exchange_stage.call("DELETE", f"{ORDERS}/x")).status for _ in range(51)]
    assert cancels == [404] * 50 + [429]
    reads = [(await exchange_stage.call("GET", "/portfolio/orders")).status for _ in range(61)]
    assert reads == [200] * 60 + [429]
    exchange_stage.clock.forward(0.01)
    assert (await exchange_stage.call("GET", "/portfolio/orders/x")).status == 404


async def test_the_balance_has_a_bucket_of_its_own_without_burst(exchange_stage: Stage) -> None:
    await exchange_stage.control("/limits", tier="basic")
    assert [(await exchange_stage.call("GET", BALANCE)).status for _ in range(2)] == [200, 429]
    assert (await exchange_stage.call("GET", "/portfolio/orders")).status == 200
    exchange_stage.clock.forward(1)
    assert (await exchange_stage.call("GET", BALANCE)).status == 200


async def test_an_order_with_its_shard_named_is_billed_to_that_shard_only(exchange_stage: Stage) -> None:
    await exchange_stage.control("/limits", tier="basic")
    for _ in range(10):
        assert (await exchange_stage.create(ticker=BTC, price="0.400", exchange_index=2)).status == 201
    assert (await exchange_stage.create(ticker=BTC, price="0.400", exchange_index=2)).status == 429
    assert (await exchange_stage.create(exchange_index=0)).status == 201
    assert (await exchange_stage.create()).status == 429, "routed by ticker it is billed to every shard"


async def test_limits_and_costs_are_told(exchange_stage: Stage) -> None:
    await exchange_stage.control("/limits", tier="advanced")
    limits = await exchange_stage.get("/account/limits")
    assert limits["usage_tier"] == "advanced"
    assert limits["read"] == {"refill_rate": 300, "bucket_capacity": 900}
    assert limits["write"] == {"refill_rate": 300, "bucket_capacity": 900}
    costs = await exchange_stage.get("/account/endpoint_costs")
    assert costs["default_cost"] == 10
    cancel = {"method": "DELETE", "path": f"{PREFIX}{ORDERS}/{{order_id}}", "cost": 2}
    assert cancel in costs["endpoint_costs"]


async def test_a_public_key_in_a_signature_s_place_is_no_key(exchange_stage: Stage) -> None:
    url = exchange_stage.base.with_path("/sandbox/exchange/keys")
    for pem in ("nonsense", signature_of(exchange_stage.key, "x")):
        async with exchange_stage.session.post(url, json={"key_id": "k", "public_key_pem": pem}) as reply:
            assert reply.status == 400
