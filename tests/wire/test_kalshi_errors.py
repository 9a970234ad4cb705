from __future__ import annotations

import pytest

from hedge_service.wire.kalshi.errors import Unreadable, WireError, load_object, read_error

SHAPES = [
    (
        b'{"error":{"code":"MARKET_INACTIVE","message":"market inactive","details":"closed"}}',
        WireError(code="market_inactive", message="market inactive", details="closed"),
    ),
    (
        b'{"code":"bad_request","message":"invalid count","details":""}',
        WireError(code="bad_request", message="invalid count"),
    ),
    (b'{"msg":"limit must be at most 1000"}', WireError(message="limit must be at most 1000")),
    (b'{"error":"too many requests"}', WireError(message="too many requests")),
    (b'{"error":{"code":"user_not_found:_0f1e"}}', WireError(code="user_not_found")),
    (b"<html><h1>502 Bad Gateway</h1></html>", WireError(readable=False)),
    (b"", WireError(readable=False)),
    (b"[]", WireError(readable=False)),
    (b'{"code": 7, "message": ["x"]}', WireError()),
    (b'{"error": null, "code": "not_found"}', WireError(code="not_found")),
    (b"\xff\xfe", WireError(readable=False)),
    (b"[" * 100_000, WireError(readable=False)),
]


@pytest.mark.parametrize(("body", "error"), SHAPES)
def test_every_error_shape_is_read(body: bytes, error: WireError) -> None:
    assert read_error(body) == error


def test_foreign_text_is_shortened_and_stripped_of_control_characters() -> None:
    error = read_error(b'{"code":"x\\u001b[31m","message":"' + b"m" * 5000 + b'"}')
    assert error.code == "x [31m"
    assert len(error.message) == 200


def test_an_unreadable_reply_does_not_quote_its_content() -> None:
    with pytest.raises(Unreadable) as caught:
        load_object(b"secret")
    assert "secret" not in str(caught.value)
