"""All checks at once, each within its time; one that fails hides no other."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.checks.findings import Finding, fail
from hedge_service.checks.gathering import Gathering
from hedge_service.clients.payments import Payments
from hedge_service.errors import PeerError
from hedge_service.peers import advisor_of, open_exchange, reveal
from hedge_service.store.db import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hedge_service.checks.findings import Judgement
    from hedge_service.clock import Clock
    from hedge_service.config import Config

WITHIN_S = 12.0
MODEL_MARGIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what it does, and how long that may take."""

    name: str
    look: Callable[[], Awaitable[Judgement]]
    within_s: float = WITHIN_S


async def run_checks(config: Config, clock: Clock) -> tuple[Finding, ...]:
    """Look at everything, in the order of the table."""
    async with AsyncExitStack() as stack:
        payments = Payments(
            reveal(config.secrets.stripe_api_key), api_base=config.stripe.api_base, timeout_s=WITHIN_S
        )
        stack.push_async_callback(payments.close)
        advisor = advisor_of(config, clock)
        stack.push_async_callback(advisor.close)
        gathering = Gathering(
            config=config,
            exchange=await open_exchange(stack, config, clock),
            payments=payments,
            advisor=advisor,
            clock=clock,
        )
        return await together(checks_of(gathering, config))


def checks_of(gathering: Gathering, config: Config) -> tuple[Check, ...]:
    """List the checks."""
    return (
        Check("configuration", gathering.configuration),
        Check("database", gathering.database),
        Check("exchange", gathering.exchange),
        Check("maintenance", gathering.maintenance),
        Check("clock", gathering.clock),
        Check("exchange key", gathering.key),
        Check("key's permissions", gathering.permissions),
        Check("location attestation", gathering.attestation),
        Check("rate limits", gathering.pace),
        Check("cash and caps", gathering.balance),
        Check("payments", gathering.payments),
        Check("running service", gathering.service),
        Check("webhook", gathering.webhook),
        Check("language model", gathering.model, config.openai.timeout_s + MODEL_MARGIN_S),
        Check("classic parlay", gathering.example),
        Check("operators", gathering.operators),
        Check("public address", gathering.address),
    )


async def together(checks: tuple[Check, ...]) -> tuple[Finding, ...]:
    """Run checks at the same time; give what each found, in their order."""
    return tuple(await asyncio.gather(*(_bounded(check) for check in checks)))


async def _bounded(check: Check) -> Finding:
    try:
        async with asyncio.timeout(check.within_s):
            judged = await check.look()
    except TimeoutError:
        judged = fail(f"no answer within {check.within_s:g} s", "Check the network, then check again.")
    except PeerError as error:
        judged = fail(f"{error.error} ({error.code})", f"See docs/errors.md#{error.code}.")
    except StoreUnavailable as error:
        judged = fail(f"it can't be read: {error}", "Check [database] url, the disk and the file's owner.")
    except Exception as error:  # noqa: BLE001 - a check that breaks must not hide what the others found
        judged = fail(
            f"the check itself failed: {type(error).__name__}", "Report it; the others still count."
        )
    return judged.of(check.name)
