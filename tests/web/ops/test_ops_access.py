"""Tokens, guesses and sessions, on a clock that the test moves."""

from __future__ import annotations

import itertools

import pytest

from hedge_service.config.ops_tokens import read_tokens
from hedge_service.errors import NotAuthenticated, TooMany
from hedge_service.web.ops.access import Door, Patience, Sessions, Tokens
from tests.web.ops.ops_stage import StageClock, counting

TOKENS = Tokens(read_tokens("ann:anns-own-secret-2026,ann:anns-next-secret-27,a-secret-of-nobody")[0])


def guess(door: Door, address: str = "192.0.2.1", token: str = "wrong") -> str | int:
    """Give the name, 0 for a wrong token, or the seconds to wait."""
    try:
        return door.enter(token, address)
    except TooMany as error:
        return error.retry_after_s
    except NotAuthenticated:
        return 0


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("anns-own-secret-2026", "ann"),
        ("ann:anns-own-secret-2026", "ann"),
        ("anns-next-secret-27", "ann"),
        ("a-secret-of-nobody", "operator"),
        ("operator:a-secret-of-nobody", "operator"),
        ("bob:anns-own-secret-2026", None),
        ("ann", None),
        ("", None),
        ("\ud800", None),
    ],
)
def test_a_token_is_known_by_its_secret_with_or_without_its_name(given: str, name: str | None) -> None:
    assert TOKENS.name_of(given) == name


def test_wrong_tokens_make_their_address_wait_longer_and_longer() -> None:
    clock = StageClock()
    door = Door(TOKENS, clock)
    assert [guess(door) for _ in range(4)] == [0, 0, 0, 0]
    waits = []
    for _ in range(8):
        wait = guess(door)
        assert isinstance(wait, int)
        waits.append(wait)
        clock.elapsed_s += wait
        assert guess(door) == 0
    assert waits == [2, 3, 5, 9, 17, 33, 61, 61]


def test_while_an_address_waits_even_the_right_token_is_not_looked_at() -> None:
    clock = StageClock()
    door = Door(TOKENS, clock)
    for _ in range(4):
        guess(door)
    assert guess(door, token="a-secret-of-nobody") == 2
    assert guess(door, address="192.0.2.2", token="a-secret-of-nobody") == "operator"
    clock.elapsed_s += 2
    assert guess(door, token="a-secret-of-nobody") == "operator"


def test_many_addresses_together_have_to_wait_too_but_not_for_long() -> None:
    door = Door(TOKENS, StageClock(), of_all=Patience(free=5, longest_s=10))
    answers = [guess(door, address=f"192.0.2.{number}") for number in range(10)]
    assert answers[:6] == [0] * 6
    assert all(answers[6:])


def test_one_customers_ipv6_addresses_are_one() -> None:
    door = Door(TOKENS, StageClock())
    for number in range(4):
        guess(door, address=f"2001:db8::{number}")
    assert guess(door, address="2001:db8::ffff")
    assert guess(door, address="2001:db8:0:1::1") == 0


def test_wrong_tokens_are_forgotten_after_a_quarter_of_an_hour() -> None:
    clock = StageClock()
    door = Door(TOKENS, clock)
    for _ in range(4):
        guess(door)
    clock.elapsed_s += 901
    assert [guess(door) for _ in range(4)] == [0, 0, 0, 0]


def test_memory_of_wrong_tokens_has_a_bound() -> None:
    door = Door(TOKENS, StageClock(), of_all=Patience(free=10_000, longest_s=1))
    for a, b in itertools.product(range(20), range(100)):
        guess(door, address=f"10.0.{a}.{b}")
    assert len(door._by_address) == 1_000


def test_a_session_ends_when_unused_for_half_an_hour_or_after_half_a_day() -> None:
    clock = StageClock()
    sessions = Sessions(clock, counting("s"))
    idle, _ = sessions.begin("ann")
    clock.elapsed_s += 1_801
    assert sessions.find(idle) is None
    busy, _ = sessions.begin("ann")
    for _ in range(40):
        clock.elapsed_s += 1_000
        assert sessions.find(busy) is not None
    for _ in range(4):
        clock.elapsed_s += 1_000
        sessions.find(busy)
    assert sessions.find(busy) is None


def test_only_watching_does_not_keep_a_session() -> None:
    clock = StageClock()
    sessions = Sessions(clock, counting("s"))
    watched, _ = sessions.begin("ann")
    clock.elapsed_s += 1_000
    assert sessions.find(watched, touch=False) is not None
    clock.elapsed_s += 1_000
    assert sessions.find(watched, touch=False) is None


def test_sessions_have_a_bound_and_an_end() -> None:
    sessions = Sessions(StageClock(), counting("s"))
    first, _ = sessions.begin("ann")
    others = [sessions.begin("bob")[0] for _ in range(200)]
    assert sessions.find(first) is None
    sessions.end(others[0])
    assert sessions.find(others[0]) is None
    assert sessions.find(None) is None
