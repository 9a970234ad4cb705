"""Who may come in: tokens compared in constant time, guesses slowed down, sessions kept here.

All of it lives in this process's memory: a restart forgets failed guesses and ends every session.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from hedge_service.errors import NotAuthenticated, TooMany

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hedge_service.clock import Clock
    from hedge_service.config.ops_tokens import OpsToken


COOKIE = "hedge_ops"
"""Holds the id of a browser's session."""


def _fingerprint(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


class Tokens:
    """The operators' tokens. An operator may give the secret alone or `name:secret`."""

    def __init__(self, tokens: Iterable[OpsToken]) -> None:
        self._forms = tuple(
            (_fingerprint(form), token.name)
            for token in tokens
            for secret in (token.secret.get_secret_value(),)
            for form in (secret, f"{token.name}:{secret}")
        )

    def __bool__(self) -> bool:
        return bool(self._forms)

    def name_of(self, given: str) -> str | None:
        """Say whose token this is; None for nobody's. Takes as long whatever is given."""
        asked, found = _fingerprint(given), None
        for form, name in self._forms:
            if hmac.compare_digest(form, asked):
                found = name
        return found


@dataclass(slots=True)
class _Guesses:
    count: int
    until: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many wrong guesses are free, and what the longest wait is that grows after them."""

    free: int
    longest_s: float

    def wait_s(self, count: int) -> float:
        """Give the wait after so many wrong guesses: a second, doubled with each further one."""
        return 0.0 if count <= self.free else min(2.0 ** min(count - self.free - 1, 30), self.longest_s)


FORGOTTEN_AFTER_S = 900.0
MOST_ADDRESSES = 1_000
# Many addresses together may not try what one may not; kept short, since it holds up everybody.
OF_ONE = Patience(free=3, longest_s=60.0)
OF_ALL = Patience(free=30, longest_s=10.0)


class Door:
    """One way in (the login form, or the bearer header): knows tokens, and slows guessing down.

    While a wait lasts nothing is compared, so that a right guess looks like a wrong one.
    """

    def __init__(
        self, tokens: Tokens, clock: Clock, *, of_one: Patience = OF_ONE, of_all: Patience = OF_ALL
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._of_one = of_one
        self._of_all = of_all
        self._by_address: OrderedDict[str, _Guesses] = OrderedDict()
        self._all = _Guesses(0, 0.0, 0.0)

    def enter(self, given: str, address: str) -> str:
        """Give the operator's name. Raises NotAuthenticated, and TooMany while guesses have to wait."""
        now, place = self._clock.monotonic(), _place(address)
        mine = self._guesses(place, now)
        wait = max(mine.until, self._all.until) - now
        if wait > 0:
            raise TooMany("Too many wrong tokens", retry_after_s=int(wait) + 1)
        name = self._tokens.name_of(given)
        if name is None:
            self._failed(mine, now, self._of_one)
            self._failed(self._all, now, self._of_all)
            raise NotAuthenticated("This is no operator's token")
        self._by_address.pop(place, None)
        return name

    def _guesses(self, place: str, now: float) -> _Guesses:
        if now - self._all.last > FORGOTTEN_AFTER_S:
            self._all.count = 0
        mine = self._by_address.setdefault(place, _Guesses(0, 0.0, now))
        if now - mine.last > FORGOTTEN_AFTER_S:
            mine.count = 0
        self._by_address.move_to_end(place)
        if len(self._by_address) > MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        return mine

    def _failed(self, guesses: _Guesses, now: float, patience: Patience) -> None:
        guesses.count += 1
        guesses.last = now
        guesses.until = now + patience.wait_s(guesses.count)


def _place(address: str) -> str:
    """Give what counts as one address: of IPv6 the network that one customer gets."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(ip) >> 64 << 64)) if isinstance(ip, IPv6Address) else str(ip)


@dataclass(slots=True, kw_only=True)
class Session:
    """A logged-in browser: the operator, what every act must carry, and what to show next."""

    name: str
    csrf: str
    began: float
    used: float
    notices: list[Notice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of an act, shown once on the next page."""

    text: str
    good: bool


class Sessions:
    """Sessions by the fingerprint of their id: the ids themselves are kept by the browsers alone."""

    IDLE_S = 1_800.0
    LONGEST_S = 43_200.0
    MOST = 200

    def __init__(self, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._clock = clock
        self._new_secret = new_secret
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, name: str) -> tuple[str, Session]:
        """Begin a session; give its id, for the cookie."""
        now, session_id = self._clock.monotonic(), self._new_secret()
        session = Session(name=name, csrf=self._new_secret(), began=now, used=now)
        self._sessions[_fingerprint(session_id)] = session
        if len(self._sessions) > self.MOST:
            self._sessions.popitem(last=False)
        return session_id, session

    def find(self, session_id: str | None, *, touch: bool = True) -> Session | None:
        """Find a live session. `touch` False does not count as use: a page that only watches may expire."""
        if session_id is None:
            return None
        key, now = _fingerprint(session_id), self._clock.monotonic()
        session = self._sessions.get(key)
        if session is None:
            return None
        if now - session.used > self.IDLE_S or now - session.began > self.LONGEST_S:
            del self._sessions[key]
            return None
        if touch:
            session.used = now
        return session

    def end(self, session_id: str | None) -> None:
        """End a session, if there is one."""
        if session_id is not None:
            self._sessions.pop(_fingerprint(session_id), None)


def same_secret(given: str, expected: str) -> bool:
    """Compare two secrets; takes as long whatever is given."""
    return hmac.compare_digest(_fingerprint(given), _fingerprint(expected))
