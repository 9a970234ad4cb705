"""Secrets: only from the environment or `.env`, held in a type that never prints itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from hedge_service.config.model import Environment
from hedge_service.config.ops_tokens import SHORTEST, OpsToken, read_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPS_TOKEN = "HEDGE_OPS_TOKEN"  # noqa: S105 - the variable's name
METRICS_TOKEN = "HEDGE_METRICS_TOKEN"  # noqa: S105 - the variable's name
STRIPE_KEY = "STRIPE_API_KEY"
WEBHOOK_SECRET = "STRIPE_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
OPENAI_KEY = "OPENAI_API_KEY"
_LONGEST_PEM = 64 * 1024


class StripeMode(Enum):
    """Whether a Stripe key moves real money."""

    TEST = "test"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets in use, None where one was not given; `given` holds every one we know of.

    `given` maps a variable's name to its value, also of those not in use (the other environment's
    keys): logs have to keep them all out. `kalshi_private_key` is PEM text with real line ends.
    """

    stripe_api_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    openai_api_key: SecretStr | None = None
    kalshi_api_key: SecretStr | None = None
    kalshi_private_key: SecretStr | None = None
    ops_token: SecretStr | None = None
    metrics_token: SecretStr | None = None
    given: Mapping[str, SecretStr]

    @property
    def stripe_mode(self) -> StripeMode | None:
        """Mode of the Stripe key, None without one."""
        if self.stripe_api_key is None:
            return None
        live = "_live_" in self.stripe_api_key.get_secret_value()[:8]
        return StripeMode.LIVE if live else StripeMode.TEST

    @property
    def ops_tokens(self) -> tuple[OpsToken, ...]:
        """Who may come to the operators' listener; nobody without a token."""
        return () if self.ops_token is None else read_tokens(self.ops_token.get_secret_value())[0]

    @property
    def metrics_tokens(self) -> tuple[OpsToken, ...]:
        """Give the scraper's token; none: the figures are for this machine alone."""
        if self.metrics_token is None:
            return ()
        return (OpsToken(name="metrics", secret=self.metrics_token),)

    def values(self) -> tuple[str, ...]:
        """Give every secret in the clear, for the log's redactor alone."""
        # An operator gives one secret of several, without the names before them.
        alone = (token.secret for token in self.ops_tokens)
        return tuple(dict.fromkeys(each.get_secret_value() for each in (*self.given.values(), *alone)))


def kalshi_prefix(environment: Environment) -> str:
    """Give the prefix of the variables with the exchange's keys: production's are apart."""
    return "KALSHI_" if environment is Environment.PRODUCTION else "KALSHI_DEMO_"


def read_secrets(
    variables: Mapping[str, str], environment: Environment, cwd: Path
) -> tuple[Secrets, list[str]]:
    """Read the secrets and say what is wrong with them, one line each, never a value.

    An empty variable counts as not given. `cwd` is where a relative `_PATH` starts.
    """
    problems: list[str] = []
    given: dict[str, SecretStr] = {}
    for name in (STRIPE_KEY, WEBHOOK_SECRET, OPENAI_KEY, OPS_TOKEN, METRICS_TOKEN):
        _take(given, name, variables, problems)
    for prefix in ("KALSHI_DEMO_", "KALSHI_"):
        _take(given, f"{prefix}API_KEY", variables, problems)
        in_use = prefix == kalshi_prefix(environment)
        pem, trouble = _private_key(prefix, variables, cwd, check=in_use)
        problems += trouble
        if pem is not None:
            given[f"{prefix}PRIVATE_KEY"] = SecretStr(pem)
    problems += _mixed_up(given)
    if OPS_TOKEN in given and not problems:
        problems += [f"{OPS_TOKEN}: {one}" for one in read_tokens(given[OPS_TOKEN].get_secret_value())[1]]
    if METRICS_TOKEN in given and len(given[METRICS_TOKEN].get_secret_value()) < SHORTEST:
        problems.append(f"{METRICS_TOKEN}: is too short; allowed: {SHORTEST} signs or more")
    return _in_use(given, kalshi_prefix(environment)), problems


def _in_use(given: Mapping[str, SecretStr], prefix: str) -> Secrets:
    return Secrets(
        stripe_api_key=given.get(STRIPE_KEY),
        stripe_webhook_secret=given.get(WEBHOOK_SECRET),
        openai_api_key=given.get(OPENAI_KEY),
        kalshi_api_key=given.get(f"{prefix}API_KEY"),
        kalshi_private_key=given.get(f"{prefix}PRIVATE_KEY"),
        ops_token=given.get(OPS_TOKEN),
        metrics_token=given.get(METRICS_TOKEN),
        given=given,
    )


def _take(given: dict[str, SecretStr], name: str, variables: Mapping[str, str], problems: list[str]) -> None:
    value = variables.get(name, "").strip()
    if value == "":
        return
    given[name] = SecretStr(value)
    if not value.isascii() or not value.isprintable() or " " in value:
        problems.append(f"{name}: holds a space or an unprintable character; allowed: the key alone")


def _mixed_up(given: Mapping[str, SecretStr]) -> list[str]:
    """Find Stripe's keys in each other's place: a mistake that shows late and far away."""
    problems = []
    key, hook = given.get(STRIPE_KEY), given.get(WEBHOOK_SECRET)
    modes = ("sk_test_", "sk_live_", "rk_test_", "rk_live_")
    if key is not None and not key.get_secret_value().startswith(modes):
        problems.append(f"{STRIPE_KEY}: is no secret key; allowed: a key that starts with {', '.join(modes)}")
    if hook is not None and hook.get_secret_value().startswith((*modes, "pk_")):
        problems.append(f"{WEBHOOK_SECRET}: is an API key; allowed: the endpoint's secret (whsec_...)")
    return problems


def _private_key(
    prefix: str, variables: Mapping[str, str], cwd: Path, *, check: bool
) -> tuple[str | None, list[str]]:
    """Find a private key in its variable or its file; only the one in use has to be good."""
    name, path_name = f"{prefix}PRIVATE_KEY", f"{prefix}PRIVATE_KEY_PATH"
    inline, path = variables.get(name, "").strip(), variables.get(path_name, "").strip()
    if inline and path:
        pem = _real_lines(inline)
        return pem, [f"{name}: contradicts {path_name}; allowed: one of the two"]
    if path:
        return _from_file(path_name, cwd / path, check=check)
    if not inline:
        return None, []
    pem = _real_lines(inline)
    return pem, _doubts(name, pem) if check else []


def _real_lines(pem: str) -> str:
    return pem.replace("\\r", "").replace("\\n", "\n").replace("\r\n", "\n").strip() + "\n"


def _from_file(name: str, path: Path, *, check: bool) -> tuple[str | None, list[str]]:
    try:
        if path.stat().st_size > _LONGEST_PEM:
            return None, [f"{name}: the file is no key: it is too long; allowed: a PEM file"] if check else []
        pem = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None, [f"{name}: the file can't be read as text; allowed: a PEM file"] if check else []
    return pem, _doubts(name, pem) if check else []


def _doubts(name: str, pem: str) -> list[str]:
    allowed = "allowed: an RSA (2048 bits or more) or Ed25519 private key in PEM, without password"
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        return [f"{name}: is not a usable private key; {allowed}"]
    if isinstance(key, Ed25519PrivateKey):
        return []
    if isinstance(key, RSAPrivateKey) and key.key_size >= 2048:  # noqa: PLR2004 - the exchange's key size
        return []
    return [f"{name}: is of another kind or too short; {allowed}"]
