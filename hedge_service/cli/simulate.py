"""`simulate`: a book of many parlays under every strategy."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli.amounts import DOLLARS
from hedge_service.cli.ops import json_option
from hedge_service.cli.plan import NUMBER, chosen, strategy_option
from hedge_service.cli.start import wrong
from hedge_service.clock import SystemClock
from hedge_service.core.fees import DIRECT_PRECISION, FCM_PRECISION
from hedge_service.core.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from hedge_service.simulation.run import Simulated
    from hedge_service.simulation.settings import Settings

QUIET_S = 3.0
_AGAIN_S = 2.0
_PICTURES = (".png", ".svg", ".pdf")


@click.command()
@click.option("--parlays", type=int, default=10_000, show_default=True, help="Parlays sold.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of chance.")
@strategy_option
@click.option("--legs", default="2-4", show_default=True, help="Legs in a parlay, 2 to 6.")
@click.option("--prices", default="35-80", show_default=True, help="Asks of legs in cents, 10 to 90.")
@click.option("--stakes", default="5,10,25,50,100", show_default=True, help="Dollars, each as likely.")
@click.option("--payout-share", "share", type=NUMBER, default="0.90", show_default=True, help="Of fair.")
@click.option(
    "--most-payout", type=DOLLARS, default="1000", show_default=True, help="Larger ones get less stake."
)
@click.option("--same-event", type=NUMBER, default="0.25", show_default=True, help="Share with such a pair.")
@click.option(
    "--rho", type=NUMBER, default="0.3", show_default=True, help="Of two legs of one event, to 0.8."
)
@click.option("--priced-rho", type=NUMBER, help="What the price takes it for. Default: the true one.")
@click.option(
    "--drift",
    type=NUMBER,
    default="0.03",
    show_default=True,
    help="Sd of a 50c price from leg to leg.",
)
@click.option(
    "--bias", type=NUMBER, default="0", show_default=True, help="How much likelier legs are than priced."
)
@click.option("--spread", type=NUMBER, default="0.02", show_default=True, help="Ask less bid, dollars.")
@click.option("--slippage", type=NUMBER, default="0.01", show_default=True, help="Dollars above the ask.")
@click.option("--drift-reserve", type=NUMBER, default="0.02", show_default=True, help="Of the payout.")
@click.option("--lots", "step", type=NUMBER, default="1", show_default=True, help="Contracts in a lot.")
@click.option("--ratio", type=NUMBER, default="0.4", show_default=True, help="Of full delta, for delta.")
@click.option("--per-day", type=int, default=100, show_default=True, help="Parlays sold a day.")
@click.option("--stake-days", type=int, default=2, show_default=True, help="Days until a stake arrives.")
@click.option("--fcm", is_flag=True, help="Fees of an account held through a broker (rounded to cents).")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw to this file (.png, .svg, .pdf).",
)
@json_option
def simulate(
    seed: int, names: tuple[str, ...], plot: Path | None, *, fcm: bool, as_json: bool, **typed: Any
) -> None:
    """Sell and settle a book of parlays, the same for every strategy, and show what is left to the house.

    Prices are a martingale around the truth unless --bias is given; parlays share no markets; no
    configuration is read. The same options and seed give the same figures.

    \b
    Examples:
      hedge-service simulate --parlays 10000 --seed 1 --strategy all --plot book.png
      hedge-service simulate --strategy rolling --strategy none --drift 0.10 --json
    """  # noqa: D301 - click reads the control character
    import numpy as np  # noqa: PLC0415 - heavy imports only where they are used

    from hedge_service.cli import simulate_shown  # noqa: PLC0415
    from hedge_service.simulation.run import simulate as run  # noqa: PLC0415

    settings = _settings(names, typed, fcm=fcm)
    _check_plot(plot)
    simulated = run(settings, np.random.default_rng(seed), progress=_progress(settings.parlays))
    if plot is not None:
        _draw(simulated, seed, plot)
    if as_json:
        simulate_shown.print_json(simulated, seed)
    else:
        simulate_shown.print_tables(simulated, seed)


def _settings(names: tuple[str, ...], typed: dict[str, Any], *, fcm: bool) -> Settings:
    from hedge_service.simulation.settings import Settings as Made  # noqa: PLC0415

    rho: Decimal = typed["rho"]
    priced: Decimal | None = typed.pop("priced_rho")
    try:
        return Made(
            **typed
            | {
                "strategies": chosen(names),
                "legs": _span("legs", typed["legs"]),
                "prices": _span("prices", typed["prices"]),
                "stakes": tuple(Money.of(text) for text in typed["stakes"].split(",")),
                "priced_rho": rho if priced is None else priced,
                "precision": FCM_PRECISION if fcm else DIRECT_PRECISION,
            }
        )
    except ValueError as error:
        wrong(str(error))


def _span(name: str, text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    last = last or first
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise ValueError(f"{name} are two whole numbers, such as 2-4: {text}")
    return int(first[:9]), int(last[:9])


def _check_plot(path: Path | None) -> None:
    """Refuse before the work, not after it."""
    if path is None:
        return
    if importlib.util.find_spec("matplotlib") is None:
        wrong("--plot needs the extra `plot` (matplotlib): pip install 'hedge-service[plot]'")
    if path.suffix.lower() not in _PICTURES:
        wrong(f"--plot writes {', '.join(_PICTURES)}: {path}")
    if not path.absolute().parent.is_dir():
        wrong(f"there is no folder {path.parent}")


def _draw(simulated: Simulated, seed: int, path: Path) -> None:
    from hedge_service.cli.simulate_shown import headline  # noqa: PLC0415
    from hedge_service.simulation.plot import save_plot  # noqa: PLC0415

    try:
        save_plot(simulated, headline(simulated, seed), path)
    except OSError as error:
        wrong(f"{path} can't be written: {error.strerror}")


def _progress(parlays: int) -> Callable[[int], None]:
    """Tell on standard error how far it is, once it takes longer than a few seconds."""
    clock = SystemClock()
    due = clock.monotonic() + QUIET_S

    def tell(done: int) -> None:
        nonlocal due
        if done < parlays and clock.monotonic() >= due:
            click.echo(f"hedge-service: {done} of {parlays} parlays", err=True)
            due = clock.monotonic() + _AGAIN_S

    return tell
