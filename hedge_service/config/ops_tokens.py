"""Operators' tokens: who may come in, and under which name each act is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import SecretStr

NOBODY_NAMED = "operator"
"""The name behind a token that is given without one."""

SHORTEST = 16
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.@-]{0,39}):(.+)", re.ASCII)
ALLOWED = f"allowed: name:secret, the secret of {SHORTEST} signs or more, several parted by commas"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsToken:
    """One token: the name is for the audit, the secret is what lets in."""

    name: str
    secret: SecretStr


def read_tokens(text: str) -> tuple[tuple[OpsToken, ...], list[str]]:
    """Read `name:secret` or just a secret, several parted by commas, and say what is wrong with them.

    One name may have several secrets, so that a new one can be given out before the old one is taken away.
    """
    tokens = tuple(_token(part) for part in text.split(",") if part != "")
    secrets = [token.secret.get_secret_value() for token in tokens]
    problems = []
    if any(len(secret) < SHORTEST for secret in secrets):
        problems.append(f"a secret is shorter than {SHORTEST} signs; {ALLOWED}")
    if len(set(secrets)) != len(secrets):
        problems.append(f"the same secret is given twice; {ALLOWED}")
    return tokens, problems


def _token(part: str) -> OpsToken:
    named = _NAMED.fullmatch(part)
    if named is None:
        return OpsToken(name=NOBODY_NAMED, secret=SecretStr(part))
    return OpsToken(name=named[1], secret=SecretStr(named[2]))
