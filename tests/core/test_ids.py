"""Ids that every process derives alike."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.ids import checkout_reference, client_order_id, intent_id, parlay_id

words = st.text(alphabet="ab1:-_", max_size=8)
parts = st.tuples(words, st.integers(0, 12), words, st.integers(0, 12), st.integers(0, 12))


def order(key: tuple[str, int, str, int, int]) -> str:
    session, leg, purpose, sequence, attempt = key
    return client_order_id(session_id=session, leg=leg, purpose=purpose, sequence=sequence, attempt=attempt)


@given(parts, parts)
def test_equal_facts_give_one_order_id_and_different_facts_two(
    one: tuple[str, int, str, int, int], two: tuple[str, int, str, int, int]
) -> None:
    assert (order(one) == order(two)) == (one == two)


@given(parts)
def test_an_order_id_fits_what_the_exchange_takes(key: tuple[str, int, str, int, int]) -> None:
    assert re.fullmatch(r"hs-[0-9a-f-]{36}", order(key))


def test_ids_never_change_between_versions() -> None:
    """A changed id would be a second order for an attempt already sent."""
    assert order(("cs_1", 1, "hedge", 0, 1)) == "hs-99ad6087-21ef-545d-b801-284869966329"
    assert parlay_id("cs_1") == "par_de4e392bb89b539ea4240dd39437ef5f"
    assert checkout_reference("q_1") == "chk_5be1af63321b54a6bd4121c5b78fd5b3"
    assert (
        intent_id(parlay="par_1", leg=1, purpose="hedge", sequence=0)
        == "int_431c5ff41fd45289a65210082aa2efca"
    )


@given(words, words)
def test_one_session_is_one_parlay_and_one_quote_one_checkout(one: str, two: str) -> None:
    assert (parlay_id(one) == parlay_id(two)) == (one == two)
    assert (checkout_reference(one) == checkout_reference(two)) == (one == two)
