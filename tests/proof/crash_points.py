"""Every crash point, found by reading the source: no commit and no write to a peer is forgotten."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import hedge_service
from hedge_service.crash import PEER_POINTS, after_commit, before_commit

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(hedge_service.__file__).parent
ROOMS = ("app.py", "peers.py", "loops.py", "flow", "web")
# What operators' commands do, in processes of their own that serve nobody.
COMMANDS = frozenset({"payment_resolving.py"})
NEVER = {
    "LookUps.doubt": "needs a commit that fails while the process lives (tests/flow/test_dispatch.py)",
    "Wire._halt": "needs a count that can't be (tests/flow/test_second_locks.py)",
    "Settler._decision": "needs a result stored without its decision (tests/flow/test_settle.py)",
    "Rolling._trading": "needs legs that end one after the other (tests/flow/test_rolling_flow.py)",
    # An operator's act is one transaction with its audit: cut off, it is made again by the same person.
    **dict.fromkeys(
        ("_halt", "_pay_out", "_rehedge", "_replay", "_resolve", "_resume", "reconcile_now"),
        "an operator's act (tests/web/ops/test_ops_acts.py)",
    ),
}
"""Units of work that no crash run reaches, and why."""


def units() -> set[str]:
    """Name every unit of work that a running service hands to the writer."""
    return {name for path in _sources() for name in units_in(ast.parse(path.read_text()))}


def all_points() -> tuple[str, ...]:
    """Give every point at which the process may die."""
    commits = [point for unit in sorted(units()) for point in (before_commit(unit), after_commit(unit))]
    return (*commits, *PEER_POINTS)


def unreachable() -> set[str]:
    """Give the points of units that no run reaches."""
    return {point for unit in NEVER for point in (before_commit(unit), after_commit(unit))}


def _sources() -> Iterator[Path]:
    for room in ROOMS:
        place = PACKAGE / room
        files = [place] if place.is_file() else sorted(place.rglob("*.py"))
        yield from (file for file in files if file.name not in COMMANDS)


def units_in(tree: ast.Module) -> Iterator[str]:
    """Name the units of work that one file hands over."""
    for scope, function in _functions(tree, ""):
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and _hands_over(call):
                yield _name(call.args[0], scope, function.name)


def _hands_over(call: ast.Call) -> bool:
    target = ast.unparse(call.func)
    return bool(call.args) and target.endswith("database.write")


def _functions(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield scope, child


def _name(work: ast.expr, scope: str, function: str) -> str:
    """Give the name that `hedge_service.crash.unit_name` gives the same unit when it runs."""
    if isinstance(work, ast.Call):
        maker = ast.unparse(work.func)
        return f"{scope}{maker.removeprefix('self.')}" if maker.startswith("self.") else maker
    if isinstance(work, ast.Attribute):
        owner = ast.unparse(work.value)
        return f"{scope}{work.attr}" if owner == "self" else work.attr
    return f"{scope}{function}"
