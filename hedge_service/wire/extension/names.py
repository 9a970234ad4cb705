"""Ids in paths and bodies: which spellings are ids at all."""

from __future__ import annotations

import re
from typing import Any

from hedge_service.errors import BadRequest

# Ids of shipped clients, and signed ones issued by a server, which may be base64 or dotted tokens.
_USER = re.compile(r"[A-Za-z0-9._~:=-]{1,200}", re.ASCII)
_TICKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_SESSION = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_BET = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_ENVIRONMENTS = frozenset({"production", "demo"})
LARGEST_ID = 10**18 - 1


def user_id(text: str) -> str:
    """Read a user id. Raises BadRequest."""
    if _USER.fullmatch(text) is None:
        raise BadRequest("User ID is not valid", "Use 1 to 200 letters, digits and . _ ~ : = - only.")
    return text


def market_id(text: str) -> str:
    """Read the id of a market page: an event, market or series ticker in any case. Raises BadRequest."""
    if _TICKER.fullmatch(text) is None:
        raise BadRequest("Market id is not valid", "Use the last part of the market page's address.")
    return text


def ticker(text: str) -> str:
    """Read a market ticker, in upper case as the exchange spells it. Raises BadRequest."""
    if _TICKER.fullmatch(text) is None:
        raise BadRequest("Ticker is not valid", "Use the market's ticker as the exchange spells it.")
    return text.upper()


def session_id(text: str) -> str:
    """Read a checkout session's id. Raises BadRequest."""
    if _SESSION.fullmatch(text) is None:
        raise BadRequest("Session id is not valid", "Use the id that the checkout gave.")
    return text


def bet_id(text: str) -> int | None:
    """Read a saved bet's id; text that can't be one names no bet."""
    return int(text) if _BET.fullmatch(text) is not None else None


def environment(value: Any) -> str | None:
    """Read an environment's name; None when absent. Raises BadRequest."""
    if value is None:
        return None
    if not isinstance(value, str) or value not in _ENVIRONMENTS:
        raise BadRequest("Environment is not valid", 'Use "production" or "demo".')
    return value
