"""What the operators' handlers work with: collaborators, facts and the caller, under typed keys."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hedge_service.web.ops.access import Door, Session, Sessions, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    import jinja2

    from hedge_service.clients.kalshi.client import KalshiClient
    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.flow.payment_resolving import Resolving
    from hedge_service.flow.reconcile import Reconciler
    from hedge_service.flow.runner import Nudge
    from hedge_service.store.db import Database
    from hedge_service.web.keys import Readiness
    from hedge_service.web.ops.recent import Recent


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudges:
    """What wakes the loops of this process after an act; each may be lost without harm."""

    arrived: Nudge
    """The inbox has work."""
    planned: Nudge
    """There are intents to send."""
    changed: Nudge
    """An order has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """All that the operators' listener is made of.

    `new_id` gives request ids, `hosts` are the names it answers to, `reconciler` is one of a person's own
    (it writes without the lease). One reconciliation and one report are made at a time.
    """

    config: Config
    exchange: KalshiClient
    database: Database
    clock: Clock
    log: Any
    account: str
    version: str
    new_id: Callable[[], str]
    readiness: Readiness
    resolving: Resolving
    reconciler: Reconciler
    nudges: Nudges
    tokens: Tokens
    login: Door
    bearer: Door
    sessions: Sessions
    hosts: frozenset[str]
    templates: jinja2.Environment
    recent: Recent
    reconciling: asyncio.Lock = field(default_factory=asyncio.Lock)
    reporting: asyncio.Lock = field(default_factory=asyncio.Lock)


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)
OPERATOR: web.RequestKey[str] = web.RequestKey("operator", str)
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
