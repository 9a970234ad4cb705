"""What is never sold, and what to do about it: the checks of quoting and checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.config import Environment
from hedge_service.core.legs import LegProblem, Unmatched
from hedge_service.core.money import Money
from hedge_service.errors import BadRequest, Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hedge_service.config import Limits
    from hedge_service.core.parlay import AskedQuote
    from hedge_service.core.pricing import ParlayPrice


def check_asked(asked: AskedQuote, limits: Limits) -> None:
    """Refuse what is too large to be priced. Raises BadRequest with the limit's name."""
    if not asked.legs:
        raise BadRequest("Bets array is required", "Add at least one bet.")
    if len(asked.legs) > limits.max_legs:
        raise BadRequest(
            "Too many bets", f"A parlay has at most {limits.max_legs} legs (max_legs).", limit="max_legs"
        )
    if asked.stake <= Money.ZERO:
        raise BadRequest("Valid stake amount is required", "Stake at least one cent.")
    if asked.stake > limits.max_stake_dollars:
        raise BadRequest(
            "Stake is too large",
            f"Stake at most ${limits.max_stake_dollars} (max_stake_dollars).",
            limit="max_stake_dollars",
        )


def unmatched(problem: Unmatched) -> BadRequest:
    """Say what stands in the way of legs that mean no saved bets."""
    details = {
        LegProblem.UNKNOWN: "Remove the bet and add it again from its market's page.",
        LegProblem.AMBIGUOUS: "More than one saved bet is meant. Remove the bet and add it again.",
        LegProblem.SAME_MARKET_TWICE: "A parlay holds each market once: remove one of the two.",
        LegProblem.BOTH_SIDES_OF_A_MARKET: "Both sides of a market never win: remove one of the two.",
        LegProblem.MIXED_ENVIRONMENTS: "A parlay never mixes environments: remove one of the two.",
    }[problem.problem]
    error = "The bets are not known" if problem.problem is LegProblem.UNKNOWN else "The bets don't fit"
    return BadRequest(error, f"{legs_text(problem.legs)}: {details}", code=problem.problem.value)


def check_environment(named: Iterable[str], environment: Environment) -> None:
    """Refuse another environment than the service's; the sandbox takes what it is told."""
    if environment is not Environment.SANDBOX and not set(named) <= {environment.value}:
        raise BadRequest(
            "The bets belong to another environment",
            f"This service trades on {environment.value}. Add the bets again there.",
            code="wrong_environment",
        )


def check_payout(price: ParlayPrice, limits: Limits) -> None:
    """Refuse a payout that is too large for us or too small for anybody. Raises BadRequest or Conflict."""
    most = limits.max_payout_dollars
    if price.payout > most:
        largest = Money.floor(most.dollars * price.joint.q / price.share).floor_to_cent()
        advice = f"Stake at most ${largest}." if largest else "Remove a bet."
        raise BadRequest(
            "Payout is too large",
            f"A parlay pays at most ${most} (max_payout_dollars). {advice}",
            limit="max_payout_dollars",
        )
    if price.payout <= price.stake:
        raise Conflict(
            "These bets pay no profit",
            f"A winning parlay would pay ${price.payout} for a stake of ${price.stake}. Add a bet.",
            code="no_profit",
        )


def check_open_payout(owed: Money, payout: Money, limits: Limits) -> None:
    """Refuse to owe more than the cap if every open parlay wins. Raises Conflict."""
    if owed + payout > limits.max_open_payout_dollars:
        raise Conflict(
            "No more parlays are taken for now",
            "Too much is owed if every open parlay wins (max_open_payout_dollars). "
            "Try a smaller stake, or later.",
            code="open_payout_cap",
            limit="max_open_payout_dollars",
            owed_dollars=str(owed),
        )


def legs_text(numbers: Sequence[int]) -> str:
    """Name legs by their numbers."""
    if len(numbers) == 1:
        return f"Leg {numbers[0]}"
    return f"Legs {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
