"""Write the references that are made from declarations: `python -m hedge_service.logs.reference [FOLDER]`.

`events.md` and `log.sql` come from `logs.events`, `errors.md` from `failures`. With `--check` nothing is
written, and a file that is out of date ends it with 1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hedge_service.failures import GROUPS as FAILURES
from hedge_service.logs.events import EVENTS, GROUPS, Kind
from hedge_service.logs.events.common import EVERYWHERE, HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hedge_service.failures import Failure
    from hedge_service.logs.events import Event, Field

MADE = "<!-- Made by `python -m hedge_service.logs.reference` from the declarations: change those. -->"
SQL_TYPES = {
    Kind.DECIMAL: "DECIMAL(24,8)",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.MOMENT: "TIMESTAMP",
    Kind.TEXTS: "VARCHAR[]",
}
NUMBERS = frozenset({SQL_TYPES[Kind.DECIMAL], SQL_TYPES[Kind.INTEGER]})


def pages() -> dict[str, str]:
    """Give the text of each file by its name."""
    return {"events.md": _events(), "errors.md": _errors(), "log.sql": _sql()}


def _events() -> str:
    head = [
        "# Log events",
        "",
        MADE,
        "",
        "One JSON object a line on standard output. `hedge-service logs` shows them to a person,",
        "[operations.md](operations.md) asks them questions, [errors.md](errors.md) explains codes.",
        "",
        "Decimal text is an exact number in quotes. A digest is 12 hex digits of SHA-256: it tells two ids",
        "apart and opens nothing. Moments are ISO 8601. *maybe*: the field may be missing; *null*: it may be",
        "null. Events at level `error` and `critical` want a person.",
        "",
        "## Every line",
        "",
        *_table((*HEAD, *EVERYWHERE)),
        "",
    ]
    return "\n".join([*head, *(line for name, group in GROUPS.items() for line in _group(name, group))])


def _group(title: str, events: Iterable[Event]) -> Iterator[str]:
    yield from (f"## {title}", "")
    for event in events:
        levels = ", ".join(f"`{level.value}`" for level in event.levels)
        yield from (f"### `{event.name}`", "", f"{event.meaning}. Level {levels}.", "")
        if event.fields:
            yield from (*_table(event.fields), "")


def _table(fields: Iterable[Field]) -> Iterator[str]:
    yield "| field | type | unit | meaning |"
    yield "|---|---|---|---|"
    for field in fields:
        yield from _rows(field, "")


def _rows(field: Field, above: str) -> Iterator[str]:
    name = f"{above}{field.name}"
    may = "".join(
        f", {word}" for word, holds in (("maybe", field.optional), ("null", field.nullable)) if holds
    )
    words = ": " + ", ".join(f"`{word}`" for word in field.words) if field.words else ""
    yield f"| `{name}` | {field.kind.value}{may} | {field.unit} | {field.meaning}{words} |"
    inner = f"{name}[]." if field.kind is Kind.OBJECTS else f"{name}."
    for member in field.members:
        yield from _rows(member, inner)


def _errors() -> str:
    head = [
        "# Errors",
        "",
        MADE,
        "",
        "What each code means and what to do. Codes stand in HTTP answers (`code`), in log lines (`code`,",
        "`reason`), in quotes (skips) and behind `see` in what commands say. A code that is not here is",
        "another party's own: look it up there.",
        "",
    ]
    return "\n".join([*head, *(line for name, group in FAILURES.items() for line in _failures(name, group))])


def _failures(title: str, failures: Iterable[Failure]) -> Iterator[str]:
    yield from (f"## {title}", "")
    for one in failures:
        yield from (f"### {one.code}", "", f"**What happened:** {one.happened}", "")
        yield from (f"**What to do:** {one.todo}", "")


def _sql() -> str:
    types: dict[str, set[str]] = {}
    for field in (*HEAD, *EVERYWHERE, *(field for event in EVENTS.values() for field in event.fields)):
        types.setdefault(field.name, set()).add(_sql_type(field))
    columns = ",\n".join(f"    '{name}': '{_common(found)}'" for name, found in types.items())
    return (
        "-- Made by `python -m hedge_service.logs.reference` from the declarations: change those.\n"
        "-- The service's log as a table: all hedge*.jsonl files of the working directory, one row a line.\n"
        "-- Lines that are no events are left out.\n"
        "CREATE OR REPLACE TEMP VIEW log AS\n"
        "SELECT * FROM read_json('hedge*.jsonl', format = 'newline_delimited', ignore_errors = true, "
        f"columns = {{\n{columns}\n}})\nWHERE event IS NOT NULL;\n"
    )


def _sql_type(field: Field) -> str:
    if not field.members:
        return SQL_TYPES.get(field.kind, "VARCHAR")
    members = ", ".join(f'"{member.name}" {_sql_type(member)}' for member in field.members)
    return f"STRUCT({members})" + ("[]" if field.kind is Kind.OBJECTS else "")


def _common(types: set[str]) -> str:
    """Give a type that holds the field in every event that has it."""
    if len(types) == 1:
        return next(iter(types))
    if types <= NUMBERS:
        return SQL_TYPES[Kind.DECIMAL]
    return "JSON" if any("[]" in one or "(" in one for one in types - NUMBERS) else "VARCHAR"


def main(arguments: list[str]) -> int:
    """Write the files into a folder (default: docs), or compare them. Give the exit code."""
    check, folders = "--check" in arguments, [one for one in arguments if one != "--check"]
    folder = Path(folders[0] if folders else "docs")
    stale = []
    for name, text in pages().items():
        path = folder / name
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        sys.stderr.write(f"{folder / name} is out of date: run python -m hedge_service.logs.reference\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
