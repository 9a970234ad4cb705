"""Realized profit over the last day, month or year, and by strategy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import Money
from hedge_service.core.report import Figures
from hedge_service.store import ops_profit
from hedge_service.web.ops import reporting
from hedge_service.web.ops.bodies import figures, moment
from hedge_service.web.ops.fields import choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.web.ops.keys import Desk

    Body = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Period(StrEnum):
    """How far to look back."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


STEPS = {
    Period.DAY: (24, timedelta(hours=1)),
    Period.MONTH: (30, timedelta(days=1)),
    Period.YEAR: (52, timedelta(weeks=1)),
}
PERIOD = choice("period", "How far to look back; a month when left out", tuple(Period), required=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Profit in equal steps, the last one still running; `before` is what came before the first."""

    period: Period
    since: datetime
    before: Money
    steps: tuple[tuple[datetime, Money], ...]

    @property
    def total(self) -> Money:
        """Give the profit of the whole period."""
        return sum((amount for _, amount in self.steps), Money.ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What the parlays with one strategy, accepted in a period, have come to so far."""

    strategy: str
    parlays: int
    figures: Figures


def period_of(given: Mapping[str, Any]) -> Period:
    """Give the period that is asked for."""
    return Period.MONTH if given["period"] is None else Period(given["period"])


def beginning(period: Period, now: datetime) -> datetime:
    """Give when a period begins: steps are counted from 1970, so that looking again moves none."""
    count, step = STEPS[period]
    return EPOCH + step * ((now - EPOCH) // step - count + 1)


async def course(desk: Desk, period: Period) -> Course:
    """Read profit over time, by when it was booked."""
    (count, step), since = STEPS[period], beginning(period, desk.clock.now())
    before, rows = await desk.database.read(
        lambda tx: (
            ops_profit.realized_before(tx, since),
            ops_profit.realized(tx, since=since, step=step),
        )
    )
    booked = {row.begins_at: row.amount for row in rows}
    begins = (since + step * number for number in range(count))
    steps = tuple((begin, booked.get(begin, Money.ZERO)) for begin in begins)
    return Course(period=period, since=since, before=before, steps=steps)


async def shares(desk: Desk, period: Period) -> tuple[Share, ...]:
    """Add up the report's rows by strategy: hedges count for the parlay that they were bought for."""
    found: tuple[Share, ...] = await desk.recent.of(f"shares.{period}", lambda: _shares(desk, period))
    return found


async def _shares(desk: Desk, period: Period) -> tuple[Share, ...]:
    since = beginning(period, desk.clock.now())
    strategies = await desk.database.read(lambda tx: ops_profit.strategies(tx, since))
    report = await reporting.made(desk, since=since, exchange=False)
    sums: dict[str, list[Figures]] = defaultdict(list)
    for row in report.rows:
        if (strategy := strategies.get(row.parlay.id)) is not None:
            sums[strategy].append(row.figures)
    return tuple(
        Share(strategy=name, parlays=len(rows), figures=sum(rows, Figures()))
        for name, rows in sorted(sums.items())
    )


async def over_time(desk: Desk, period: Period) -> Body:
    """Tell the profit of a period, step by step."""
    made = await course(desk, period)
    return {
        "period": made.period.value,
        "since": moment(made.since),
        "before_dollars": str(made.before),
        "total_dollars": str(made.total),
        "steps": [{"begins_at": moment(begin), "dollars": str(amount)} for begin, amount in made.steps],
    }


async def profit(desk: Desk, given: Mapping[str, Any]) -> Body:
    """Tell the profit of a period, step by step and by strategy."""
    period = period_of(given)
    by_strategy = [
        {"strategy": share.strategy, "parlays": share.parlays} | figures(share.figures)
        for share in await shares(desk, period)
    ]
    return await over_time(desk, period) | {"strategies": by_strategy}
