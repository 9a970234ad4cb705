"""The interface for programs against its own description, by schemathesis over loopback HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import schemathesis
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from hedge_service.core.orders import AttemptState
from hedge_service.web.ops import openapi
from tests.store.parlay_samples import NOW, put_attempt, put_sent, put_state
from tests.web.ops.ops_stage import ANN, StageClock, listening, patient

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database

S = AttemptState
HEADERS = {"Authorization": f"Bearer {ANN}"}
EXAMPLES = 3


def park(tx: Connection) -> None:
    put_state(tx, put_sent(tx, put_attempt(tx), epoch=1, at=NOW), S.UNKNOWN, S.PARKED)


def test_the_description_is_valid() -> None:
    validate(openapi.document("0.1.0"))


async def test_whatever_is_sent_the_answers_are_as_described(database: Database, clock: StageClock) -> None:
    """No 5xx, only described answers, every wrong field refused, every address behind the token."""
    await database.write(park)
    async with listening(database, clock, token=f"ann:{ANN}", change=patient) as ops:
        checked, failures = await asyncio.to_thread(fuzz, ops.base)
    assert not failures, "\n".join(failures)
    assert {name for name, _ in checked} >= {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "ignored_auth",
        "unsupported_method",
    }
    operations = {label for _, label in checked}
    described = openapi.document("0.1.0")["paths"]
    # Where the description itself is fetched is not fuzzed.
    del described["/ops/api/openapi.json"]
    assert {f"{method.upper()} {path}" for path, by in described.items() for method in by} <= operations


def fuzz(base: str) -> tuple[set[tuple[str, str]], list[str]]:
    """Give which checks were made of which operations, and what they found."""
    schema = schemathesis.openapi.from_url(
        f"{base}/ops/api/openapi.json", config=SchemathesisConfig.from_dict(plan(base)), headers=HEADERS
    )
    checked: set[tuple[str, str]] = set()
    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for check in (each for case in recorder.checks.values() for each in case):
                checked.add((check.name, recorder.label))
                if check.failure_info is not None:
                    failures.append(f"{recorder.label} {check.name}: {check.failure_info.failure}")
        elif isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(event))
    return checked, failures


def plan(base: str) -> dict[str, Any]:
    return {
        "seed": 1,
        "base-url": base,
        "headers": HEADERS,
        "generation": {
            "deterministic": True,
            "max-examples": EXAMPLES,
            "database": "none",
            "no-shrink": True,
        },
        "phases": {"stateful": {"enabled": False}},
        # A pattern can't say everything: a day of no calendar, or a filled order without its price, gets 400.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
