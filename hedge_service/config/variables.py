"""Environment variables and `.env`: which names are ours, and what they override."""

from __future__ import annotations

from difflib import get_close_matches
from io import StringIO
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from hedge_service.config.model import Section, Settings
from hedge_service.config.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PREFIX = "HEDGE_"
RESERVED = frozenset({"HEDGE_CONFIG", "HEDGE_METRICS_TOKEN", "HEDGE_OPS_TOKEN"})


def read_dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """Read a `.env` file, if there is one, without expanding `$` (a secret may hold it)."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}, []
    except (OSError, ValueError):
        return {}, [".env: can't be read; allowed: a UTF-8 text file"]
    values, problems = {}, []
    for binding in parse_stream(StringIO(content)):
        if binding.error:
            problems.append(f".env: line {binding.original.line} is not readable; allowed: NAME=value")
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values, problems


def knobs() -> dict[tuple[str, ...], Rule]:
    """Map every knob's path, such as ("kalshi", "rate_limit", "tier"), to its rule."""
    return dict(_knobs(Settings, ()))


def _knobs(section: type[Section], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Rule]]:
    for key, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _knobs(inner, (*path, key))
        else:
            yield from (((*path, key), item) for item in field.metadata if isinstance(item, Rule))


def variable_of(path: tuple[str, ...]) -> str:
    """Name the environment variable that overrides a knob."""
    return PREFIX + "__".join(path).upper()


def read_overrides(
    variables: Mapping[str, str],
) -> tuple[dict[tuple[str, ...], object], list[str]]:
    """Find the overrides among the variables and the names that are none.

    A misspelt override that is silently ignored could leave dry run on, or a cap off.
    """
    known = {variable_of(path): (path, rule) for path, rule in knobs().items()}
    values: dict[tuple[str, ...], object] = {}
    problems = []
    for name in sorted(name for name in variables if name.upper().startswith(PREFIX)):
        if name in known:
            path, rule = known[name]
            values[path] = rule.from_text(variables[name])
        elif name not in RESERVED:
            problems.append(f"{name}: unknown variable{_nearest(name, [*known, *RESERVED])}")
    return values, problems


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name.upper(), known, n=1)
    return f"; did you mean {close[0]}?" if close else "; allowed: HEDGE_<SECTION>__<KEY> as in config.toml"
