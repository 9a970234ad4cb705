"""Clean text and addresses that a client scraped from a page: hostile until shown otherwise."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from hedge_service.config.addresses import DEMO_DOMAIN, PRODUCTION_DOMAIN, is_within

MAX_TEXT = 300
MAX_URL = 2000

# Printable ASCII without what could end an attribute or be read in two ways.
_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%|-]+", re.ASCII)
# Control, format (bidirectional overrides, zero width) and surrogate characters.
_REMOVED = frozenset({"Cc", "Cf", "Cs"})


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Strip control and format characters, fold whitespace and cut to `limit` characters.

    Cleaning twice gives the same: quote requests echo cleaned titles and are matched by them.
    """
    if _is_clean(text, limit):
        return text
    shown = "".join(" " if char.isspace() else char for char in text[: 20 * limit])
    kept = "".join(char for char in shown if unicodedata.category(char) not in _REMOVED)
    return " ".join(unicodedata.normalize("NFC", kept).split())[:limit].rstrip()


def _is_clean(text: str, limit: int) -> bool:
    """Say whether nothing is to be done: nearly every text is plain and short, and read again and again."""
    plain = len(text) <= limit and text.isascii() and text.isprintable()
    return plain and "  " not in text and text == text.strip()


def image_url(value: object) -> str | None:
    """Give an http(s) address of at most 2000 characters as it is, anything else as None."""
    return value if isinstance(value, str) and _host(value, {"http", "https"}) is not None else None


def market_url(value: object) -> str:
    """Give an https address on the exchange's own site as it is, anything else as empty text."""
    if not isinstance(value, str):
        return ""
    host = _host(value, {"https"})
    own = is_within(host, PRODUCTION_DOMAIN) or is_within(host, DEMO_DOMAIN)
    return value if own else ""


def _host(url: str, schemes: set[str]) -> str | None:
    if len(url) > MAX_URL or _URL.fullmatch(url) is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    named = parts.username is None and parts.password is None and parts.scheme in schemes
    return parts.hostname if named else None
