"""`explain`: how a parlay was priced and hedged, why, and whether the same would be decided again."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import EXIT_FAILED, config_option, fail

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.store.explained import Explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What deciding again came to; `unreadable` says why it could not be done."""

    differences: tuple[str, ...] = ()
    unreadable: str | None = None

    @property
    def word(self) -> str:
        """Give the verdict."""
        if self.unreadable is not None:
            return "impossible"
        return "differs" if self.differences else "same"


@click.command()
@click.argument("name", metavar="PARLAY")
@config_option
@ops.json_option
def explain(name: str, config_path: Path | None, *, as_json: bool) -> None:
    """Explain a parlay: prices, structure, the model's part, the plans offered, the choice, what happened.

    PARLAY is a parlay's id, a quote's, or the digest of a checkout session as the log tells it. The decision
    is made again from what was recorded; ends with 1 when it is another one now, and names what differs.

    \b
    Example: hedge-service explain par_0123456789abcdef0123456789abcdef
    """  # noqa: D301 - click reads the control character
    from hedge_service.store.explained import find  # noqa: PLC0415 - heavy imports only where they are used

    found = ops.read(ops.configured(config_path), lambda tx: find(tx, name))
    if found is None:
        fail(f"there is no parlay, quote or session {name}", "not_found")
    replayed = replay(found.quote.advice.get("decision"))
    if as_json:
        ops.print_json(_body(found, replayed))
    else:
        from hedge_service.cli.explain_text import show  # noqa: PLC0415

        show(found, replayed)
    if replayed.differences:
        sys.exit(EXIT_FAILED)


def replay(record: Any) -> Replayed:
    """Decide a record again."""
    from hedge_service.wire.advice_record import OtherVersion  # noqa: PLC0415
    from hedge_service.wire.advice_replay import replay as again  # noqa: PLC0415

    if record is None:
        return Replayed(unreadable="the quote is older than the records of decisions")
    try:
        return Replayed(differences=again(record))
    except OtherVersion as error:
        return Replayed(unreadable=str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Replayed(unreadable=f"the record can't be read ({type(error).__name__}: {error})")


def _body(found: Explained, replayed: Replayed) -> dict[str, Any]:
    from hedge_service.web.ops import drill_bodies  # noqa: PLC0415

    quote = found.quote
    happened = None if found.parlay is None else drill_bodies.drilled(found.parlay)
    if happened is not None:
        del happened["quote"]
    return {
        "quote_id": quote.id,
        "created_at": ops.moment(quote.created_at),
        "stake_dollars": str(quote.stake),
        "payout_dollars": str(quote.payout),
        "probability": str(quote.probability),
        "product": str(quote.product),
        "strategy": quote.strategy,
        "legs": [
            {
                "leg": leg.leg,
                "ticker": leg.bet.ticker,
                "side": leg.bet.side.value,
                "title": leg.bet.market_title,
                "option": leg.bet.option_label,
                "ask": str(leg.ask),
                "contracts": str(leg.contracts),
                "skip": leg.skip,
            }
            for leg in quote.legs
        ],
        "analysis": quote.body.get("analysis"),
        "advice": dict(quote.advice),
        "happened": happened,
        "replayed": {
            "verdict": replayed.word,
            "differences": list(replayed.differences),
            "unreadable": replayed.unreadable,
        },
    }
