"""The service's source as syntax trees, and what it says of events and codes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "hedge_service"
LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
# These play other parties or a person: their words are not the service's.
OTHERS = frozenset({"sandbox", "demo"})


@dataclass(frozen=True)
class Told:
    """One call that tells an event: at `level`, by `name` (an expression when it is no literal)."""

    place: str
    level: str
    name: str
    literal: bool
    fields: frozenset[str]


@cache
def trees() -> dict[str, ast.Module]:
    """Give the syntax tree of every module of the service by its path."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PROJECT)
        if OTHERS.isdisjoint(inside.parts):
            found[str(inside)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def calls() -> Iterator[tuple[str, ast.Module, ast.Call]]:
    """Give every call with the path of its module and the module."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, tree, node


def told() -> Iterator[Told]:
    """Give every call of a logger's method, and every Note, which becomes one."""
    for path, _, call in calls():
        place = f"{path}:{call.lineno}"
        if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS and _is_log(call.func.value):
            yield _told(place, call.func.attr, call.args[0], call)
        elif name_of(call.func) == "Note":
            named = {one.arg: one.value for one in call.keywords}
            for value in _branches(named["event"]):
                yield _told(place, "note", value, call)


def _told(place: str, level: str, name: ast.expr, call: ast.Call) -> Told:
    literal = isinstance(name, ast.Constant) and isinstance(name.value, str)
    text = str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name)
    fields = frozenset(one.arg for one in call.keywords if one.arg is not None) if level != "note" else ()
    return Told(place, level, text, literal, frozenset(fields))


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from (*_branches(value.body), *_branches(value.orelse))
    else:
        yield value


def _is_log(value: ast.expr) -> bool:
    """Say whether this is an event logger: `log`, `self._log`, `desk.log`, `get_logger()`."""
    if isinstance(value, ast.Call):
        return name_of(value.func) == "get_logger"
    return name_of(value).lstrip("_") in {"log", "logger"}


def name_of(value: ast.expr) -> str:
    """Give the last part of a dotted name, empty for anything else."""
    if isinstance(value, ast.Attribute):
        return value.attr
    return value.id if isinstance(value, ast.Name) else ""


def text_of(value: ast.expr, tree: ast.Module) -> str | None:
    """Give the text that an expression is: a literal, or a constant of its module."""
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    if not isinstance(value, ast.Name):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(name_of(target) == value.id for target in node.targets):
            return text_of(node.value, tree)
    return None


def constants() -> frozenset[str]:
    """Give every text in the source outside the catalogue of failures."""
    return frozenset(
        node.value
        for path, tree in trees().items()
        if "failures" not in path
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def error_context() -> Iterator[tuple[str, str]]:
    """Give each keyword with which an error is made, and where."""
    kinds = _errors()
    for path, _, call in calls():
        above = isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
        if name_of(call.func) in kinds or (above and path in kinds.values()):
            yield from ((one.arg, f"{path}:{call.lineno}") for one in call.keywords if one.arg is not None)


def _errors() -> dict[str, str]:
    """Give every kind of HedgeError by its name, with the module that has it."""
    found = {"HedgeError": "hedge_service/errors.py"}
    before = 0
    while before < len(found):
        before = len(found)
        for path, tree in trees().items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and any(name_of(base) in found for base in node.bases):
                    found.setdefault(node.name, path)
    return found
