"""Load the configuration: file, then variables over it, then every doubt at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, ValidationError

from hedge_service.config.checks import contradictions
from hedge_service.config.databases import password_of
from hedge_service.config.model import (
    Database,
    Environment,
    Hedging,
    Kalshi,
    Limits,
    OpenAI,
    Ops,
    Pricing,
    Section,
    Service,
    Settings,
    Stripe,
)
from hedge_service.config.secrets import Secrets, read_secrets
from hedge_service.config.variables import knobs, read_dotenv, read_overrides, variable_of
from hedge_service.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

    Overrides = Mapping[tuple[str, ...], object]

DEFAULT_FILE = "config.toml"
DATABASE_PASSWORD = "database.url's password"  # noqa: S105 - how it is called among the secrets
# Values short and plain enough to be no secret typed in the wrong place.
_SHOWABLE = re.compile(r"[A-Za-z]{1,16}|-?[0-9.]{1,16}", re.ASCII)


class Mode(Enum):
    """Whether orders reach the exchange."""

    DRY_RUN = "dry_run"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, checked. `file` is where it came from, None for the defaults."""

    service: Service
    database: Database
    kalshi: Kalshi
    stripe: Stripe
    openai: OpenAI
    pricing: Pricing
    ops: Ops
    hedging: Hedging
    limits: Limits
    secrets: Secrets
    file: Path | None = None

    @property
    def mode(self) -> Mode:
        """Whether orders reach the exchange."""
        return Mode.DRY_RUN if self.kalshi.dry_run else Mode.LIVE

    def describe(self) -> dict[str, object]:
        """Give the fields of `service.started`: nothing secret, names of secrets at most."""
        stripe_mode = self.secrets.stripe_mode
        return {
            "host": self.service.host,
            "port": self.service.port,
            "mode": self.mode.value,
            "environment": self.kalshi.environment.value,
            "exchange_url": self.kalshi.api_url,
            "account": self.kalshi.account,
            "subaccount": self.kalshi.subaccount,
            "database": self.database.shown,
            "strategy": self.hedging.strategy.value,
            "stripe_mode": None if stripe_mode is None else stripe_mode.value,
            "model": self.openai.model if self.openai.enabled else None,
            "config_file": None if self.file is None else str(self.file),
            "keys_present": sorted(self.secrets.given),
        }


def load_config(
    *, path: Path | None, environ: Mapping[str, str], cwd: Path, live: bool = False, keyless: bool = False
) -> Config:
    """Load, override and check the configuration.

    The file is `path`, else `HEDGE_CONFIG`, else `config.toml` in `cwd` if present, else the
    built-in defaults. `HEDGE_<SECTION>__<KEY>` overrides it; `.env` in `cwd` stands behind the
    real environment for overrides and secrets alike. `live` is the consent that production
    without dry run needs; `keyless`: without the keys that sending needs. Raises ConfigError with one
    line for each problem, all at once.
    """
    dotenv, problems = read_dotenv(cwd / ".env")
    variables = {**dotenv, **environ}
    file = _file(path, variables, cwd)
    tree, trouble = _read_toml(file)
    overrides, unknown = read_overrides(variables)
    settings, wrong = _validate(_merge(tree, overrides), overrides)
    environment = Environment.DEMO if settings is None else settings.kalshi.environment
    secrets, bad = read_secrets(variables, environment, cwd)
    problems += [*trouble, *unknown, *wrong, *bad]
    if settings is not None:
        problems += contradictions(settings, secrets, live=live, keyless=keyless)
    if problems or settings is None:
        raise ConfigError(tuple(problems))
    sections = {name: getattr(settings, name) for name in Settings.model_fields}
    return Config(**sections, secrets=_with_password(secrets, settings.database), file=file)


def _with_password(secrets: Secrets, database: Database) -> Secrets:
    """Count the database's password among the secrets, so that no log holds it."""
    password = password_of(database.url)
    if password is None:
        return secrets
    return replace(secrets, given={**secrets.given, DATABASE_PASSWORD: SecretStr(password)})


def _file(path: Path | None, variables: Mapping[str, str], cwd: Path) -> Path | None:
    named = variables.get("HEDGE_CONFIG", "")
    if path is not None:
        return cwd / path
    if named:
        return cwd / named
    return cwd / DEFAULT_FILE if (cwd / DEFAULT_FILE).exists() else None


def _read_toml(file: Path | None) -> tuple[dict[str, Any], list[str]]:
    if file is None:
        return {}, []
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig")), []
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{file.name}: is not TOML: {error}"]
    except (OSError, ValueError):
        return {}, [f"{file}: can't be read; allowed: a UTF-8 text file in TOML"]


def _merge(tree: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """Lay the overrides over the file's tree; a section that is no table stays for its own line."""
    merged = dict(tree)
    for path, value in overrides.items():
        merged = _put(merged, path, value)
    return merged


def _put(tree: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    head, *rest = path
    if not rest:
        return {**tree, head: value}
    inner = tree.get(head, {})
    return {**tree, head: _put(inner, tuple(rest), value)} if isinstance(inner, dict) else tree


def _validate(tree: dict[str, Any], overrides: Overrides) -> tuple[Settings | None, list[str]]:
    try:
        return Settings.model_validate(tree), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        return None, [_line(detail, overrides) for detail in details]


def _line(detail: ErrorDetails, overrides: Overrides) -> str:
    path = tuple(str(part) for part in detail["loc"])
    where = ".".join(path)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key{_known(path)}"
    rule = knobs().get(path)
    if rule is None:
        return f"{where}: is not a section; allowed: a table [{where}]"
    source = f" (from {variable_of(path)})" if path in overrides else ""
    what = str(detail.get("ctx", {}).get("error", "is wrong"))
    return f"{where}{source}: {_shown(detail['input'])}{what}; allowed: {rule.allowed}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    plain = isinstance(value, str | int | float) and _SHOWABLE.fullmatch(text)
    return f"{text!r} " if plain and isinstance(value, str) else f"{text} " if plain else ""


def _known(path: tuple[str, ...]) -> str:
    section: Any = Settings
    for part in path[:-1]:
        section = section.model_fields[part].annotation
    names = [*section.model_fields] if issubclass(section, Section) else []
    close = get_close_matches(path[-1], names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; allowed: {', '.join(names)}"
