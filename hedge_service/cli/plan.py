"""`plan`: the hedge plans of one parlay, beside each other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

import click

from hedge_service.cli.amounts import DOLLARS, Exact
from hedge_service.cli.ops import json_option
from hedge_service.cli.plan_legs import WrongUse, offline, typed_legs
from hedge_service.cli.start import config_option, fail, load, wrong
from hedge_service.core.fees import DIRECT_PRECISION, FCM_PRECISION, FeeSchedule, payment_fee
from hedge_service.core.hedging import Strategy
from hedge_service.core.leg import PairCorrelation
from hedge_service.core.money import Count, Money, decimal_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hedge_service.cli.plan_legs import Offers, TypedLeg
    from hedge_service.config import Config
    from hedge_service.core.leg import Leg
    from hedge_service.simulation.planner import Parlay

ALL = "all"
MOST_STAKE = Money.of("999999.99")
"""What one card payment can be."""
NUMBER = Exact("number", decimal_of)
strategy_option = click.option(
    "--strategy",
    "names",
    multiple=True,
    default=(ALL,),
    show_default=True,
    type=click.Choice([ALL, *(one.value for one in Strategy)]),
    help="Which strategy; may be given several times.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed beside the legs; None takes the configuration's."""

    stake: Money
    share: Decimal | None
    rho: Decimal | None
    lots: Decimal | None
    ratio: Decimal | None
    fee: Money | None
    slippage: Decimal
    fcm: bool
    costless: bool


@click.command()
@config_option
@click.option("--stake", type=DOLLARS, required=True, help="What the payer pays.")
@click.option("--leg", "texts", multiple=True, metavar="TICKER[:no][:PRICE]", help="One for each leg.")
@click.option("--payout-share", "share", type=NUMBER, help="Of the fair payout, above 0 to 1.")
@strategy_option
@click.option("--rho", type=NUMBER, help="Correlation of legs of one event, -0.8 to 0.8.")
@click.option("--lots", type=NUMBER, help="Contracts in a lot, 0.01 to 1.")
@click.option("--ratio", type=NUMBER, help="Of the full delta that strategy delta buys, 0.3 to 1.")
@click.option("--slippage", type=NUMBER, default="0", help="Dollars a contract costs above a given price.")
@click.option("--payment-fee", "fee", type=DOLLARS, help="Default: the configured share and fixed part.")
@click.option("--fcm", is_flag=True, help="Fees of an account held through a broker (rounded to cents).")
@click.option("--no-costs", "costless", is_flag=True, help="Neither fees nor slippage.")
@click.option("--states", "with_states", is_flag=True, help="Also every way the legs can end.")
@json_option
def plan(
    config_path: Path | None,
    texts: tuple[str, ...],
    names: tuple[str, ...],
    *,
    with_states: bool,
    as_json: bool,
    **typed: object,
) -> None:
    """Show what each strategy would buy for one parlay, what it costs and what it leaves to the house.

    With a price on every leg it works offline: legs are then taken to settle in the order given, one after
    the other. Without prices it reads asks, books, fees and structure from the configured exchange, without a
    key. Caps are not applied. What is not given is the configuration's.

    \b
    Examples:
      hedge-service plan --stake 5 --leg KXA-B-C:0.43 --leg KXD-E-F:0.52 --leg KXG-H-I:no:0.65 --states
      hedge-service plan --stake 5 --leg KXNFLGAME-26NOV29SEALA-SEA --leg KXNBAGAME-26NOV29BOSNYK-BOS:no
    """  # noqa: D301 - click reads the control character
    from hedge_service.cli import plan_shown  # noqa: PLC0415 - heavy imports only where they are used
    from hedge_service.core.pricing import Impossible  # noqa: PLC0415
    from hedge_service.simulation.planner import plans  # noqa: PLC0415

    config = load(config_path, live=True, keyless=True)
    try:
        parlay = _parlay(Asked(**typed), typed_legs(texts), config)  # type: ignore[arg-type] # click's types
        made = plans(parlay, chosen(names))
    except Impossible as error:
        wrong(f"these legs can't all hit: {str(error).replace('_', ' ')}", error.reason.value)
    except (WrongUse, ValueError) as error:
        wrong(str(error))
    if as_json:
        plan_shown.print_json(parlay, made, with_states=with_states)
    else:
        plan_shown.print_tables(parlay, made, with_states=with_states)


def chosen(names: Sequence[str]) -> tuple[Strategy, ...]:
    """Give the strategies asked for, each once, in their own order."""
    return tuple(one for one in Strategy if ALL in names or one.value in names)


def _parlay(asked: Asked, typed: Sequence[TypedLeg], config: Config) -> Parlay:
    from hedge_service.simulation.planner import Parlay  # noqa: PLC0415 - heavy imports where they are used

    offers, hedging = _offers(asked, typed, config), config.hedging
    return Parlay(
        stake=_stake(asked.stake),
        share=_within("--payout-share", _given(asked.share, config.pricing.payout_share), "0.01", "1"),
        payment_fee=_payment_fee(asked, config),
        legs=offers.legs,
        sequence=offers.sequence,
        correlations=_pairs(offers.legs, asked.rho),
        structure=offers.structure,
        books=offers.books,
        fees=offers.fees,
        slippage=asked.slippage,
        step=_lots(_given(asked.lots, hedging.contract_step)),
        ratio=_within("--ratio", _given(asked.ratio, hedging.delta_ratio), "0.3", "1"),
        alpha=hedging.cvar_alpha,
        budget_share=hedging.cvar_budget_share,
    )


def _offers(asked: Asked, typed: Sequence[TypedLeg], config: Config) -> Offers:
    precision = FCM_PRECISION if asked.fcm else DIRECT_PRECISION
    if typed[0].price is None:
        if asked.slippage or asked.costless:
            raise WrongUse("--slippage and --no-costs go with given prices; the books tell what is paid")
        return _live(config, typed, precision)
    slippage = _within("--slippage", asked.slippage, "0", "0.50")
    if asked.costless and slippage:
        raise WrongUse("give either --slippage or --no-costs")
    return offline(typed, slippage, FeeSchedule(precision=precision, multiplier=Decimal(not asked.costless)))


def _live(config: Config, typed: Sequence[TypedLeg], precision: Decimal) -> Offers:
    from hedge_service.cli.plan_live import NoOffer, read_live  # noqa: PLC0415
    from hedge_service.errors import PeerError  # noqa: PLC0415

    try:
        return asyncio.run(read_live(config, typed, precision))
    except NoOffer as error:
        fail(str(error), "market_not_open")
    except PeerError as error:
        fail(f"{error.error} ({error.code})", error.code)


def _pairs(legs: Sequence[Leg], rho: Decimal | None) -> tuple[PairCorrelation, ...]:
    if rho is None:
        return ()
    _within("--rho", rho, "-0.8", "0.8")
    same = [pair for pair in combinations(legs, 2) if pair[0].event_ticker == pair[1].event_ticker]
    if not same:
        raise WrongUse("--rho is for legs of one event, and no two legs are of one")
    return tuple(PairCorrelation(first=one.number, second=two.number, rho=rho) for one, two in same)


def _payment_fee(asked: Asked, config: Config) -> Money:
    if asked.costless:
        if asked.fee is not None:
            raise WrongUse("give either --payment-fee or --no-costs")
        return Money.ZERO
    pricing = config.pricing
    estimate = payment_fee(
        asked.stake, share=pricing.payment_fee_share, fixed=pricing.payment_fee_fixed_dollars
    )
    return estimate if asked.fee is None else asked.fee


def _stake(stake: Money) -> Money:
    if not stake or stake > MOST_STAKE or stake != stake.floor_to_cent():
        raise WrongUse(f"the stake is above $0, at most ${MOST_STAKE}, and in whole cents")
    return stake


def _lots(lots: Decimal) -> Decimal:
    _within("--lots", lots, "0.01", "1")
    try:
        Count.of(lots)
    except ValueError:
        raise WrongUse("--lots is a multiple of 0.01") from None
    return lots


def _given(value: Decimal | None, default: Decimal) -> Decimal:
    return default if value is None else value


def _within(name: str, value: Decimal, low: str, high: str) -> Decimal:
    if not Decimal(low) <= value <= Decimal(high):
        raise WrongUse(f"{name} lies between {low} and {high}: {value}")
    return value
