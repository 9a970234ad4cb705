"""Keep secrets out of text: by the values we were told, by what secrets look like, by field names."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
REDACTED = "[redacted]"

# Shorter values would blot out ordinary words, and no secret of ours is that short.
_SHORTEST = 6
_SHORTEST_PEM_LINE = 8
_SHORT_KEPT = 4096
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=]+")

_PEM_NAME = r"[A-Z0-9 ]{0,40}PRIVATE KEY-----"
_MAILBOX, _LABEL = r"[A-Za-z0-9._%+-]", r"[A-Za-z0-9-]+"
# What secrets look like, each behind a text that it can't do without: a search for that is far cheaper.
# None may backtrack over a long run of signs: hostile text is logged too.
_LOOKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    # A PEM block may have real or literal line ends, and may have lost its end to truncation.
    ("-----BEGIN ", re.compile(rf"-----BEGIN {_PEM_NAME}.*?(?:-----END {_PEM_NAME}|\Z)", re.DOTALL)),
    ("k_", re.compile(r"\b[srp]k_(?:test|live)_[A-Za-z0-9_]+")),
    ("whsec_", re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+")),
    ("sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")),
    # What a browser gets to pay with, and signed tokens. A run of signs is tried from its start alone.
    ("_secret_", re.compile(r"(?<![A-Za-z0-9_])(?:pi|seti|src)_[A-Za-z0-9]+_secret_[A-Za-z0-9]+")),
    ("eyJ", re.compile(r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("Bearer ", re.compile(r"(?<=Bearer )[A-Za-z0-9._~+/=-]{6,}")),
    ("Basic ", re.compile(r"(?<=Basic )[A-Za-z0-9+/=]{6,}")),
    ("@", re.compile(rf"(?<!{_MAILBOX}){_MAILBOX}+@{_LABEL}(?:\.{_LABEL})*\.[A-Za-z]{{2,}}")),
)
_CARD = re.compile(r"\b[3-6][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}\b")
_SHORTEST_CARD = 16
# A name and its value inside a text: password=..., "api_key": "...", Cookie: ... to the end of the line.
# Only names of credentials: a sentence may well say "card: declined".
_NEEDLES = ("authorization", "cookie", "passphrase", "password", "passwd", "secret", "signature", "token")
_KEY_NEEDLES = ("apikey", "api_key", "api-key", "private_key", "private-key", "access_key", "access-key")
_NAMED = re.compile(
    rf"(?i:(?:{'|'.join((*_NEEDLES, *_KEY_NEEDLES))})(?:_id|-id)?)"
    r"""(?P<tie>\\?["']?\s{0,2}[=:]\s{0,2})(?!\[redacted\]|Bearer |Basic )"""
    r"""(?P<value>\\?"[^"\n\\]{3,}|\\?'[^'\n\\]{3,}|[^\s"'&,;}\])>\\]{4,})"""
)
_COOKIE = re.compile(r"(?i:(?<![a-z])(?:set-)?cookie2?: )(?!\[redacted\])[^\r\n\"']{4,}")
# Whoever holds one of these may act as its user: a digest still tells two of them apart.
_BEARER_ID = re.compile(r"\buser_(?:[a-z]+_)?[0-9]{10,16}_[A-Za-z0-9]{6,}|\bcs_(?:test|live)_[A-Za-z0-9]+")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset({
    *("authorization", "bearer", "cookie", "cookies", "passphrase", "password", "passwords", "pem"),
    *("secret", "secrets", "signature", "signatures", "token"),  # not tokens: the rate limiter counts those
    *("card", "cards", "cvc", "cvv", "email", "emails"),
    *("passwd", "pwd", "apikey", "apikeys", "privatekey", "accesskey", "secretkey"),
    *("accesstoken", "authtoken"),
})  # fmt: skip
_SECRET_PAIRS = frozenset(
    {("api", "key"), ("private", "key"), ("access", "key"), ("secret", "key"), ("e", "mail")}
)


def digest(text: str) -> str:
    """Give 12 hex digits of SHA-256: enough to follow a bearer id through a log, not to be it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Say whether a field of this name holds a secret, in snake_case, kebab-case or camelCase."""
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairwise(words))


class Redactor:
    """Replaces every secret it was told, and all that looks like one, in any text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._kept: list[Callable[[], None]] = []
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Learn more secrets; a PEM key also by each of its lines."""
        for secret in secrets:
            self._forms.update(_forms(secret))
        longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        for forget in self._kept:
            forget()

    def keep(self, made: Callable[[str], T]) -> Callable[[str], T]:
        """Keep what a function makes of short texts, until another secret is learned.

        Names of fields, routes and words are logged again and again.
        """
        kept = lru_cache(maxsize=_SHORT_KEPT)(made)
        self._kept.append(kept.cache_clear)
        return kept

    def text(self, text: str) -> str:
        """Give the text with every secret replaced and every bearer id turned into its digest."""
        if len(text) < _SHORTEST:
            return text
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for needle, pattern in _LOOKS:
            if needle in text:
                text = pattern.sub(REDACTED, text)
        if "=" in text or ":" in text:
            text = _without_named(text)
        if len(text) >= _SHORTEST_CARD:
            text = _CARD.sub(REDACTED, text)
        return _BEARER_ID.sub(_digested, text) if "user_" in text or "cs_" in text else text


def _without_named(text: str) -> str:
    lowered = text.lower()
    if not any(needle in lowered for needle in (*_NEEDLES, *_KEY_NEEDLES)):
        return text
    if "ookie: " in text:
        text = _COOKIE.sub(lambda found: f"{found[0].partition(':')[0]}: {REDACTED}", text)
    return _NAMED.sub(_without_value, text)


def _without_value(found: re.Match[str]) -> str:
    value = found["value"]
    quoted = re.match(r"""\\?["']""", value)
    name = found[0].removesuffix(value)
    return f"{name}{'' if quoted is None else quoted[0]}{REDACTED}"


def _digested(match: re.Match[str]) -> str:
    return f"{match[0].split('_', 1)[0]}#{digest(match[0])}"


def _forms(secret: str) -> Iterator[str]:
    """Give the spellings in which a secret may turn up: plain, quoted, escaped, as Basic credentials."""
    plain = secret.strip()
    if len(plain) < _SHORTEST:
        return
    if "-----BEGIN" in plain:
        yield from _pem_lines(plain)
    yield plain
    yield from (quote(plain, safe=""), quote_plus(plain), json.dumps(plain)[1:-1], repr(plain)[1:-1])
    yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(plain, safe=""))
    for encode in (b64encode, urlsafe_b64encode):
        yield from (encode(f"{plain}{end}".encode()).decode().rstrip("=") for end in ("", ":"))
    yield plain.encode().hex()


def _pem_lines(pem: str) -> Iterator[str]:
    lines = [line.strip() for line in pem.replace("\\r", "").replace("\\n", "\n").splitlines()]
    body = [line for line in lines if _PEM_BODY.fullmatch(line)]
    yield from (line for line in (*body, "".join(body)) if len(line) >= _SHORTEST_PEM_LINE)
