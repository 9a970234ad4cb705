from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hedge_service.logs import REDACTED, Redactor, digest, is_secret_name

SECRET = 'p@ss/w+rd "quoted" \u00fc'


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        repr(SECRET),
        quote(SECRET, safe=""),
        b64encode(SECRET.encode()).decode(),
        b64encode(f"{SECRET}:".encode()).decode(),
    ],
)
def test_a_known_secret_is_replaced_in_every_spelling(spelling: str) -> None:
    told = Redactor([SECRET]).text(f"before {spelling} after")
    assert REDACTED in told
    assert "w+rd" not in told
    assert spelling not in told
    assert told.startswith("before ")
    assert told.endswith(" after")


def test_of_two_secrets_that_overlap_nothing_is_left() -> None:
    assert Redactor(["abcdef", "abcdefghij"]).text("abcdefghij") == REDACTED


def test_secrets_may_be_learnt_later() -> None:
    redactor = Redactor()
    assert redactor.text("a token-like-word") == "a token-like-word"
    redactor.add("token-like-word")
    assert redactor.text("a token-like-word") == f"a {REDACTED}"
    redactor.add("hunter2hunter2")
    assert redactor.text("hunter2hunter2") == REDACTED


def test_a_value_too_short_to_be_a_secret_blots_nothing_out() -> None:
    assert Redactor(["", "a", "  "]).text("a banana") == "a banana"


def test_a_private_key_is_replaced_whole_and_line_by_line(pem: str) -> None:
    redactor = Redactor([pem])
    lines = pem.splitlines()[1:-1]
    literal = pem.replace("\n", "\\n")
    for text in (pem, literal, repr(pem), lines[3], f"x{lines[3]}\\n{lines[4]}y", "".join(lines)):
        told = redactor.text(text)
        assert not any(line in told for line in lines if len(line) >= 8)


def test_a_key_that_was_given_with_literal_line_ends_is_known_by_its_lines_too(pem: str) -> None:
    redactor = Redactor([pem.replace("\n", "\\n")])
    assert redactor.text(pem.splitlines()[5]) == REDACTED


@pytest.mark.parametrize("form", ["{pem}", "{literal}", "{half}"])
def test_a_private_key_nobody_told_of_is_known_by_its_looks(pem: str, form: str) -> None:
    text = form.format(pem=pem, literal=pem.replace("\n", "\\n"), half=pem[:400])
    told = Redactor().text(f"a {text}")
    assert told.removesuffix("\\n").rstrip() == f"a {REDACTED}"


@pytest.mark.parametrize(
    "text",
    [
        "sk_test_51Habcdefg",
        "sk_live_51Habcdefg",
        "rk_live_51Habcdefg",
        "pk_live_51Habcdefg",
        "whsec_abcDEF123+/=",
        "sk-proj-abcdefghij_KLMNOP",
        "someone.else+tag@mail.example.test",
        "4242 4242 4242 4242",
        "4242424242424242",
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str) -> None:
    assert Redactor().text(f"({text})") == f"({REDACTED})"


@pytest.mark.parametrize(
    "run",
    [
        *("a", "A1", "a.b@", "@a.", "1234 ", "-----BEGIN PRIVATE KEY", "user_", "user_1", "sk_live_", "sk-"),
        *("eyJ", "eyJ-", "eyJabcdefgh.", "pi_", "pi_a_secret_", "token", "token=", "password: '", "cookie: "),
        *("api_key\\", "secret    ", "=:"),
    ],
)
def test_no_hostile_text_takes_time_beyond_its_length(run: str) -> None:
    """A pattern that backtracks would take minutes for these 256 KiB, past the tests' time limit."""
    text = run * (262_144 // len(run))
    assert Redactor([SECRET]).text(text)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2hunter2",
        "login failed: password='hunter2hunter2' user=ann",
        'reply {"client_secret": "hunter2hunter2", "x": 1}',
        'reply {\\"apiKey\\": \\"hunter2hunter2\\"}',
        "Settings(api_key='hunter2hunter2', host='x')",
        "GET /v1?access_token=hunter2hunter2&x=1",
        "X-Api-Key: hunter2hunter2",
        "KALSHI-ACCESS-SIGNATURE: hunter2hunter2==",
        "Cookie: session=hunter2hunter2; theme=hunter2hunter2",
        "set-cookie: id=hunter2hunter2; HttpOnly",
        "{'Authorization': 'hunter2hunter2'}",
        "PASSPHRASE = hunter2hunter2",
    ],
)
def test_a_secret_that_nobody_told_of_is_known_by_the_name_before_it_in_a_text(text: str) -> None:
    told = Redactor().text(text)
    assert "hunter2" not in told
    assert REDACTED in told


@pytest.mark.parametrize(
    "text",
    [
        "write_tokens=30 of 100",
        "the signature is not valid",
        "secrets: 3 keys",
        "https://docs.kalshi.com/api-reference/orders",
        "card: declined by the bank",
        "reason=insufficient_balance",
    ],
)
def test_a_sentence_that_only_speaks_of_secrets_is_left(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "text", ["pi_3Qabc_secret_XyZ123abc", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4fw"]
)
def test_a_token_of_a_known_form_is_replaced(text: str) -> None:
    assert Redactor().text(f"({text})") == f"({REDACTED})"


@pytest.mark.parametrize(
    "spelling",
    [
        urlsafe_b64encode(b"p@ss/w+rd??>>~~secret").decode(),
        b64encode(b"p@ss/w+rd??>>~~secret").decode().rstrip("="),
        quote("p@ss/w+rd??>>~~secret", safe="").lower(),
        b"p@ss/w+rd??>>~~secret".hex(),
    ],
)
def test_a_known_secret_is_replaced_in_odder_spellings(spelling: str) -> None:
    told = Redactor(["p@ss/w+rd??>>~~secret"]).text(f"x {spelling} y")
    assert told.rstrip("= y") == f"x {REDACTED}"


def test_credentials_in_a_header_are_replaced() -> None:
    assert Redactor().text("Authorization: Bearer abc.DEF-123") == f"Authorization: Bearer {REDACTED}"
    assert Redactor().text("Authorization: Basic c2s6eA==") == f"Authorization: Basic {REDACTED}"


@pytest.mark.parametrize(
    "text",
    [
        "KXNFLGAME-25NOV16SEALA-SEA",
        "hs-8c35ecb3-328f-4f52-8c7c-0f4b9862f8d1",
        "8c35ecb3-4242-4242-4242-4242424242ab",
        "1715793600123",
        "evt_1Habcdefg",
        "0.560000",
        "https://external-api.kalshi.com/trade-api/v2/portfolio/events/orders",
    ],
)
def test_what_an_operator_needs_is_left(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "bearer",
    ["user_1700000000000_abc123xyz", "user_demo_1700000000000_abc123xyz", "cs_test_a1B2c3", "cs_live_a1"],
)
def test_a_bearer_id_becomes_its_digest(bearer: str) -> None:
    told = Redactor().text(f"GET /api/parlay/{bearer} 200")
    assert bearer not in told
    assert digest(bearer) in told


def test_a_digest_is_twelve_hex_digits_and_always_the_same() -> None:
    assert digest("abc") == "ba7816bf8f01"
    assert digest("abc") != digest("abd")
    assert len(digest("\ud800")) == 12


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "Stripe-Signature",
        "KALSHI-ACCESS-SIGNATURE",
        "KALSHI-ACCESS-KEY",
        "api_key",
        "apiKey",
        "stripe_api_key",
        "private_key",
        "privateKeyPem",
        "webhook_secret",
        "client_secret",
        "email",
        "customerEmail",
        "card",
        "card_number",
        "Set-Cookie",
        "ops_token",
        "password",
        "APIKEY",
        "apikey",
        "authToken",
        "ACCESS_TOKEN",
        "db_pwd",
    ],
)
def test_a_field_of_a_secrets_name_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["tokens", "tokens_left", "discarded", "idempotency_key", "key", "ticker", "session", "cost_dollars"],
)
def test_a_field_of_another_name_is_not(name: str) -> None:
    assert not is_secret_name(name)
