"""The judge of the money: results, refunds, wallets and ledger against the books of both peers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.proof.reading import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.proof.reading import Place, Row

Json = dict[str, Any]
DOLLAR = 1_000_000
CENT = 10_000
PARLAYS = (
    "SELECT p.*, y.payment_intent, y.amount_cents"
    " FROM parlays p JOIN payments y ON y.session_id = p.session_id"
)


def judge_money(path: Place, markets: Mapping[str, Json], stripe: Json) -> list[str]:
    """Give every broken promise about money as one line, once everything is quiet.

    `markets`: result and value (micros of a YES contract; None: open) by ticker. `stripe`: its charges,
    refunds, disputes and balance transactions.
    """
    back = _gone_back(stripe)
    return [
        *_results(path, markets, back),
        *_refunds(path, stripe, back),
        *_stripe_cash(path, stripe),
        *_liabilities(path, back),
        *_wallets(path),
    ]


def _gone_back(stripe: Json) -> Counter[str]:
    """Add up what went back of each payment, in cents, by its payment intent."""
    back: Counter[str] = Counter()
    for refund in stripe["refunds"]:
        back[refund["payment_intent"]] += refund["amount"]
    for dispute in stripe["disputes"]:
        if dispute["status"] == "lost":
            back[dispute["payment_intent"]] += dispute["amount"]
    return back


def _results(path: Place, markets: Mapping[str, Json], back: Counter[str]) -> Iterator[str]:
    legs: dict[str, list[int | None]] = {}
    for row in rows(path, "SELECT parlay_id, ticker, side FROM parlay_legs"):
        legs.setdefault(row["parlay_id"], []).append(_paid(row, markets))
    for parlay in rows(path, PARLAYS):
        by_legs = _verdict(legs[parlay["id"]])
        whole = back[parlay["payment_intent"]] >= parlay["amount_cents"]
        allowed = {by_legs, "void"} if whole else {by_legs}
        if parlay["state"] not in allowed:
            yield f"{parlay['id']} is {parlay['state']}, and its legs say {by_legs}"
        if parlay["claimed_ms"] is not None and parlay["state"] != "won":
            yield f"{parlay['id']} was claimed and is {parlay['state']}"


def _paid(leg: Row, markets: Mapping[str, Json]) -> int | None:
    value: int | None = markets[leg["ticker"]]["value"]
    return value if value is None or leg["side"] == "yes" else DOLLAR - value


def _verdict(paid: list[int | None]) -> str:
    if 0 in paid:
        return "lost"
    if None in paid:
        return "open"
    return "won" if all(one == DOLLAR for one in paid) else "void"


def _refunds(path: Place, stripe: Json, back: Counter[str]) -> Iterator[str]:
    paid = {charge["payment_intent"]: charge["amount"] for charge in stripe["charges"] if charge["paid"]}
    for intent, cents in back.items():
        if cents > paid[intent]:
            yield f"{cents} cents of {intent} went back, and {paid[intent]} were paid"
    for parlay in rows(path, PARLAYS):
        if parlay["state"] == "void" and back[parlay["payment_intent"]] < parlay["amount_cents"]:
            yield f"{parlay['id']} is void and its stake did not go back"
    ours = Counter(
        row["refund_id"] for row in rows(path, "SELECT refund_id FROM refunds WHERE state = 'made'")
    )
    known = {refund["id"] for refund in stripe["refunds"]}
    for refund, times in ours.items():
        if times > 1 or refund not in known:
            yield f"refund {refund} is recorded {times} times, known to Stripe: {refund in known}"


def _stripe_cash(path: Place, stripe: Json) -> Iterator[str]:
    ours = _balance(path, "stripe")
    theirs = CENT * sum(entry["net"] for entry in stripe["balance_transactions"])
    if ours != theirs:
        yield f"the ledger says that Stripe holds {ours} micros, Stripe says {theirs}"


def _liabilities(path: Place, back: Counter[str]) -> Iterator[str]:
    owed = earned = 0
    for parlay in rows(path, PARLAYS):
        stake, payout = parlay["stake_micros"], parlay["payout_micros"]
        left = max(stake - CENT * back[parlay["payment_intent"]], 0)
        unclaimed = payout if parlay["claimed_ms"] is None else 0
        owed += {"open": stake, "void": left, "won": unclaimed, "lost": 0}[parlay["state"]]
        earned += stake if parlay["state"] == "lost" else 0
    for account, figure in (("owed", owed), ("stakes", earned)):
        if -_balance(path, account) != figure:
            yield f"the ledger has {-_balance(path, account)} micros in {account}, and {figure} are true"


def _wallets(path: Place) -> Iterator[str]:
    query = "SELECT COALESCE(SUM(payout_micros), 0) FROM parlays WHERE claimed_ms IS NOT NULL"
    claimed = rows(path, query)[0][0]
    paid = rows(path, "SELECT COALESCE(SUM(amount_micros), 0) FROM payouts")[0][0]
    if -_balance(path, "wallet") != claimed - paid:
        yield f"the ledger has {-_balance(path, 'wallet')} micros in wallets, and {claimed - paid} are true"


def _balance(path: Place, account: str) -> int:
    query = f"SELECT COALESCE(SUM(micros), 0) FROM ledger_postings WHERE account = '{account}'"  # noqa: S608 - our own word
    return int(rows(path, query)[0][0])
