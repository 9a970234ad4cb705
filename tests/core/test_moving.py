"""Two sides of a move: any difference is found, and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.moving import Digest, Figures, TableFigures, differences

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary())
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=5)
BETS = TableFigures(rows=2, sums={"stake_micros": 7}, last_id=5, digest="aa")
SIDE = Figures(tables={"bets": BETS}, accounts={"cash": 5, "fees": -5}, unbalanced=(), orphans=())


def digest_of(rows: list[tuple[object, ...]]) -> str:
    digest = Digest()
    assert list(digest.through(rows)) == rows
    return digest.value()


def spelled(rows: list[tuple[object, ...]]) -> list[list[tuple[str, object]]]:
    return [[(type(value).__name__, value) for value in row] for row in rows]


@given(ROWS, ROWS)
def test_only_equal_rows_of_equal_types_in_one_order_have_one_digest(
    one: list[tuple[object, ...]], other: list[tuple[object, ...]]
) -> None:
    assert (digest_of(one) == digest_of(other)) == (spelled(one) == spelled(other))


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, "1"), ("a", b"a"), (None, "None"), (0, False)])
def test_values_of_different_types_differ(one: object, other: object) -> None:
    assert digest_of([(one,)]) != digest_of([(other,)])


def test_a_row_s_end_is_part_of_it() -> None:
    assert digest_of([("a", "b"), ("c",)]) != digest_of([("a",), ("b", "c")])


def test_equal_sides_differ_in_nothing_and_the_target_s_next_id_may_be_higher() -> None:
    assert differences(SIDE, SIDE) == ()
    assert differences(SIDE, replace(SIDE, tables={"bets": replace(BETS, last_id=9)})) == ()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (
            replace(SIDE, tables={"bets": replace(BETS, rows=1)}),
            "bets: 2 rows in the source, 1 in the target",
        ),
        (
            replace(SIDE, tables={"bets": replace(BETS, sums={"stake_micros": 8})}),
            "bets.stake_micros: sums to 7 in the source, 8 in the target",
        ),
        (replace(SIDE, tables={"bets": replace(BETS, digest="ab")}), "bets: the contents differ"),
        (
            replace(SIDE, tables={"bets": replace(BETS, last_id=4)}),
            "bets: the target would give ids again that the source has given",
        ),
        (
            replace(SIDE, tables={"bets": replace(BETS, last_id=None)}),
            "bets: the target would give ids again that the source has given",
        ),
        (replace(SIDE, tables={}), "the two sides have different tables"),
        (replace(SIDE, accounts={"cash": 6, "fees": -6}), "the balances of the ledger's accounts differ"),
        (replace(SIDE, unbalanced=("fill:1",)), "the ledger set of fill:1 does not sum to zero"),
        (replace(SIDE, orphans=("fills.parlay_id",)), "fills.parlay_id points to rows that are not there"),
    ],
)
def test_each_difference_is_told_in_a_sentence(target: Figures, told: str) -> None:
    assert differences(SIDE, target) == (told,)


def test_a_ledger_that_is_unbalanced_on_both_sides_alike_is_told() -> None:
    lost = replace(SIDE, accounts={"cash": 5})
    assert differences(lost, lost) == ("the ledger does not sum to zero",)
