"""`exposure`: what open parlays can cost at worst, by market, event and day, against the caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import config_option
from hedge_service.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from pathlib import Path

    from hedge_service.core.exposure import EventClaims, Exposure, ExposureCaps, MarketClaims
    from hedge_service.core.money import Money

NOTHING = (
    "Nothing is exposed: no parlay is open, and no checkout may still be paid.\n"
    "Next: `hedge-service status` says whether the service sells; `hedge-service demo` shows a sale."
)


@click.command()
@config_option
@ops.json_option
def exposure(config_path: Path | None, *, as_json: bool) -> None:
    """Show what open parlays can cost at worst, by market, event and day, against the caps.

    Payouts due less what held contracts pay; open checkouts count as sold. A quote that would pass a cap is
    refused with the cap's name, a payment that would is refunded.

    \b
    Example: hedge-service exposure --json
    """  # noqa: D301 - click reads the control character
    from hedge_service.flow.exposure import caps_of  # noqa: PLC0415 - heavy imports where they are used
    from hedge_service.store.exposure import everything  # noqa: PLC0415

    config, now = ops.configured(config_path), SystemClock().now()
    held, caps = ops.read(config, lambda tx: everything(tx, now)), caps_of(config.limits)
    if as_json:
        ops.print_json(_body(held, caps, now))
    elif not _events(held):
        click.echo(NOTHING)
    else:
        _show(held, caps)


def _events(held: Exposure) -> list[EventClaims]:
    """Give the events with claims, the most exposed first."""
    claimed = (event for event in held.events.values() if event.payouts)
    return sorted(claimed, key=lambda event: (-event.exposure.micros, event.event_ticker))


def _markets(event: EventClaims) -> list[MarketClaims]:
    touched = (
        market
        for market in event.markets.values()
        if market.yes or market.no or market.held_yes or market.held_no
    )
    return sorted(touched, key=lambda market: (-market.exposure.micros, market.ticker))


def _days(held: Exposure) -> list[tuple[str | None, Money]]:
    known: dict[date, Money] = {day: money for day, money in held.days.items() if day is not None}
    dated: list[tuple[str | None, Money]] = [(day.isoformat(), known[day]) for day in sorted(known)]
    return [*dated, (None, held.days[None])] if None in held.days else dated


def _body(held: Exposure, caps: ExposureCaps, now: datetime) -> dict[str, Any]:
    return {
        "at": ops.moment(now),
        "caps": {"market": str(caps.market), "event": str(caps.event), "day": str(caps.day)},
        "events": [
            {
                "event_ticker": event.event_ticker,
                "mutually_exclusive": event.exclusive,
                "payouts_dollars": str(event.payouts),
                "exposure_dollars": str(event.exposure),
                "markets": [_market(market) for market in _markets(event)],
            }
            for event in _events(held)
        ],
        "days": [{"day": day, "exposure_dollars": str(money)} for day, money in _days(held)],
    }


def _market(market: MarketClaims) -> dict[str, str]:
    return {
        "ticker": market.ticker,
        "yes_payouts_dollars": str(market.yes),
        "no_payouts_dollars": str(market.no),
        "yes_contracts": str(market.held_yes),
        "no_contracts": str(market.held_no),
        "exposure_dollars": str(market.exposure),
    }


def _show(held: Exposure, caps: ExposureCaps) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, title="Cash due at worst, less contracts held, in dollars")
    table.add_column("event, market or day", overflow="fold")
    for title in ("due if yes", "due if no", "held", "exposure", "cap", "used"):
        table.add_column(title, justify="right")
    for event in _events(held):
        table.add_row(_named(event), "", "", "", *_use(event.exposure, caps.event), style="bold")
        for market in _markets(event):
            table.add_row(f"  {market.ticker}", *_sides(market), *_use(market.exposure, caps.market))
    table.add_section()
    for day, money in _days(held):
        name = "day not known" if day is None else day
        use = (f"{money.dollars:.2f}", "", "") if day is None else _use(money, caps.day)
        table.add_row(name, "", "", "", *use)
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print("Open checkouts count as sold. A cap that is reached refuses new quotes by its name.")


def _named(event: EventClaims) -> str:
    words = {True: "one YES at most", False: "sum", None: "sum; not asked"}
    return f"{event.event_ticker} ({words[event.exclusive]})"


def _sides(market: MarketClaims) -> Iterator[str]:
    yield from (f"{due.dollars:.2f}" for due in (market.yes, market.no))
    held = {"yes": market.held_yes, "no": market.held_no}
    yield ", ".join(f"{count} {side}" for side, count in held.items() if count)


def _use(money: Money, cap: Money) -> tuple[str, str, str]:
    share = money.micros * 100 // cap.micros
    past = " PAST" if money > cap else ""
    return f"{money.dollars:.2f}", f"{cap.dollars:.2f}", f"{share} %{past}"
