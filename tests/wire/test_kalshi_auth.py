from __future__ import annotations

import pytest

from hedge_service.wire.kalshi.auth import presign, signed_headers


def test_the_signed_text_is_time_method_and_full_path() -> None:
    text = presign(1703123456789, "post", "/trade-api/v2/portfolio/events/orders")
    assert text == b"1703123456789POST/trade-api/v2/portfolio/events/orders"


def test_a_percent_encoded_path_is_signed_as_it_is_sent() -> None:
    assert presign(1, "GET", "/trade-api/v2/markets/A%2FB").endswith(b"/markets/A%2FB")


@pytest.mark.parametrize("path", ["/markets?tickers=A", "/markets#x", "markets", ""])
def test_a_path_that_could_not_be_verified_is_not_signed(path: str) -> None:
    with pytest.raises(ValueError, match="path to sign"):
        presign(1, "GET", path)


def test_the_headers_carry_key_milliseconds_and_signature() -> None:
    assert signed_headers(key_id="k", timestamp_ms=12, signature="c2ln") == {
        "KALSHI-ACCESS-KEY": "k",
        "KALSHI-ACCESS-TIMESTAMP": "12",
        "KALSHI-ACCESS-SIGNATURE": "c2ln",
    }
