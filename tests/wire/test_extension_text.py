from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.errors import BadRequest
from hedge_service.wire.extension import names
from hedge_service.wire.extension.text import MAX_TEXT, MAX_URL, clean, image_url, market_url


@given(st.text(max_size=800))
def test_cleaning_twice_gives_the_same(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert len(once) <= MAX_TEXT


@given(st.text(max_size=200))
def test_clean_text_holds_no_control_or_direction_characters(text: str) -> None:
    assert not {unicodedata.category(char) for char in clean(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(min_codepoint=31, max_codepoint=127), max_size=400))
def test_plain_text_comes_out_as_the_long_way_would_give_it(text: str) -> None:
    printable = "".join(char for char in text if " " <= char <= "~" or char.isspace())
    assert clean(text) == " ".join(printable.split())[:MAX_TEXT].rstrip()


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("  Seattle\n\tat   Los Angeles ", "Seattle at Los Angeles"),
        ("pay\u202egnp.exe", "paygnp.exe"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("line\u2028break", "line break"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("e\u0301", "\u00e9"),
        ("x" * 10_000, "x" * MAX_TEXT),
        ("\x00\x01 ", ""),
    ],
)
def test_hostile_text_is_cleaned_and_otherwise_left_as_it_is(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


@pytest.mark.parametrize(
    "address",
    ["https://cdn.example/a.png?w=1&h=%20", "http://[::1]:8080/x", "https://kalshi.com/i/(1),2.webp"],
)
def test_image_addresses_of_the_web_are_kept(address: str) -> None:
    assert image_url(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        7,
        "",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "//cdn.example/a.png",
        "https://",
        "https://user:pass@cdn.example/a.png",
        'https://cdn.example/a.png" onerror="alert(1)',
        "https://cdn.example/a png",
        "https://cdn.example/\x00",
        "https://cdn.example:port/",
        "https://cdn.example/" + "a" * MAX_URL,
        "https://[::1/",
    ],
)
def test_other_image_addresses_become_none(address: object) -> None:
    assert image_url(address) is None


@pytest.mark.parametrize("address", ["https://kalshi.com/markets/x", "https://demo.kalshi.co/markets/x"])
def test_addresses_on_the_exchanges_own_site_are_kept(address: str) -> None:
    assert market_url(address) == address


@pytest.mark.parametrize(
    "address", [None, "http://kalshi.com/x", "https://kalshi.com.evil.example/x", "https://evilkalshi.com/"]
)
def test_other_market_addresses_become_empty(address: object) -> None:
    assert market_url(address) == ""


@pytest.mark.parametrize(
    "user",
    [
        "user_1763800000000_a1b2c3d4e",
        "user_demo_1763800000000_a1b2c3d4e",
        "v1.eyJ1IjoxfQ==.-_~AZ09",
        "a" * 200,
    ],
)
def test_shipped_and_signed_user_ids_pass(user: str) -> None:
    assert names.user_id(user) == user


@pytest.mark.parametrize("user", ["", "a" * 201, "a/b", "a\x00", "a\n", "a b", "\u00fcser", "<b>", "a%2Fb"])
def test_other_user_ids_are_refused(user: str) -> None:
    with pytest.raises(BadRequest):
        names.user_id(user)


@pytest.mark.parametrize("spelt", ["x", "0", "-1", "1.0", "9" * 19, "1\n", "\u0661"])
def test_text_that_is_no_bet_id_names_no_bet(spelt: str) -> None:
    assert names.bet_id(spelt) is None
