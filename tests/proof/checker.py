"""The judge: the exchange's and Stripe's own books against the service's database, nothing taken on trust."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.proof.reading import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proof.reading import Place, Row

Json = dict[str, Any]
# What is still to be done; parked orders wait for a person and do not count.
STILL_OPEN = {
    "events not handled": "FROM inbox WHERE handled_ms IS NULL",
    "orders under way": "FROM attempts WHERE state IN ('planned', 'sending', 'unknown', 'resting')",
    "orders not booked": "FROM attempts WHERE order_id IS NOT NULL AND booked_centis != fill_centis",
    "intents open": (
        "FROM intents i WHERE i.ended_ms IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM attempts a WHERE a.intent_id = i.id AND a.state = 'parked')"
    ),
    "hedges without a summary": "FROM parlays WHERE outcome IS NULL",
    "summaries not told": "FROM summaries WHERE emitted_ms IS NULL",
    "refunds due": "FROM refunds WHERE state = 'due'",
    "payment fees not known": "FROM payments WHERE fee_cents IS NULL AND payment_intent IS NOT NULL",
}
# What was bought by orders in doubt that only a person may end is in no ledger until then.
IN_DOUBT = "SELECT client_order_id FROM attempts WHERE state = 'parked'"


def micros(dollars: str) -> int:
    """Give exact micros of a dollar string."""
    scaled = Decimal(dollars) * 1_000_000
    assert scaled == int(scaled), dollars
    return int(scaled)


def centis(contracts: str) -> int:
    """Give exact hundredths of a contract."""
    return int(Decimal(contracts) * 100)


def unfinished(path: Place) -> dict[str, int]:
    """Count what the service still has to do, by what it is."""
    counts = (f'(SELECT COUNT(*) {what}) AS "{name}"' for name, what in STILL_OPEN.items())
    found = dict(rows(path, f"SELECT {', '.join(counts)}")[0])
    return {name: count for name, count in found.items() if count}


def judge(path: Place, book: Json, paid_sessions: set[str]) -> list[str]:
    """Give every broken promise as one line."""
    return [
        *_orders(path, book),
        *_plans(path, book),
        *_fills(path, book),
        *_ledger(path, book),
        *_positions(path, book),
        *_payments(path, paid_sessions),
        *_summaries(path),
        *_halts(path),
    ]


def _orders(path: Place, book: Json) -> Iterator[str]:
    known = {row["client_order_id"]: row for row in rows(path, "SELECT * FROM attempts")}
    yield from _accepted(book, known)
    for order in book["orders"]:
        row = known.get(order["client_order_id"])
        if row is None or row["state"] == "parked":
            continue
        if centis(order["contracts"]) != row["fill_centis"]:
            yield f"{order['client_order_id']}: {order['contracts']} filled, journal {row['fill_centis']}"
    for name, row in known.items():
        if row["state"] in {"planned", "sending", "unknown"}:
            yield f"{name} is still {row['state']}"
        if row["state"] in {"refused", "not_sent"} and name in book["accepted"]:
            yield f"{name} is {row['state']} and on the exchange's book"


def _accepted(book: Json, known: Json) -> Iterator[str]:
    for name, times in book["accepted"].items():
        if times > 1:
            yield f"{name} was accepted {times} times"
        if name not in known:
            yield f"{name} is on the exchange's book and not in the journal"
    for name, sent in book["creates"].items():
        if len({one["body"] for one in sent}) > 1:
            yield f"{name} was sent with different bodies"


def _plans(path: Place, book: Json) -> Iterator[str]:
    filled: Counter[str] = Counter()
    for order in book["orders"]:
        filled[order["client_order_id"]] += centis(order["contracts"])
    query = (
        "SELECT i.id, i.count_centis, a.client_order_id FROM intents i JOIN attempts a ON a.intent_id = i.id"
    )
    bought: Counter[str] = Counter()
    planned: dict[str, int] = {}
    for row in rows(path, query):
        planned[row["id"]] = row["count_centis"]
        bought[row["id"]] += filled[row["client_order_id"]]
    for intent, count in planned.items():
        if bought[intent] > count:
            yield f"{intent} planned {count} and bought {bought[intent]} hundredths"


def _fills(path: Place, book: Json) -> Iterator[str]:
    parked = {row[0] for row in rows(path, IN_DOUBT)}
    stored = {row["trade_id"]: row for row in rows(path, "SELECT * FROM fills")}
    booked = {row[0] for row in rows(path, "SELECT cause FROM ledger_sets WHERE kind = 'fill'")}
    seen = set()
    for fill in book["fills"]:
        seen.add(fill["trade_id"])
        row = stored.get(fill["trade_id"])
        if row is None:
            if fill["client_order_id"] not in parked:
                yield f"fill {fill['trade_id']} of {fill['client_order_id']} is not stored"
            continue
        if _figures(row) != _true_figures(fill):
            yield f"fill {fill['trade_id']} differs"
        if f"fill:{fill['trade_id']}" not in booked:
            yield f"fill {fill['trade_id']} is not in the ledger"
    for trade in stored.keys() - seen:
        yield f"fill {trade} is stored and not on the exchange's book"


def _figures(row: Row) -> tuple[object, ...]:
    return row["ticker"], row["side"], row["count_centis"], row["cost_micros"], row["fee_micros"]


def _true_figures(fill: Json) -> tuple[object, ...]:
    side = fill["outcome_side"]
    price, count = micros(fill[f"{side}_price_dollars"]), centis(fill["count_fp"])
    return fill["ticker"], side, count, price * count // 100, micros(fill["fee_cost"])


def _ledger(path: Place, book: Json) -> Iterator[str]:
    crooked = rows(path, "SELECT set_id FROM ledger_postings GROUP BY set_id HAVING SUM(micros) != 0")
    for row in crooked:
        yield f"ledger set {row[0]} does not balance"
    if _doubt(path, book):
        return
    cash = rows(path, "SELECT COALESCE(SUM(micros), 0) FROM ledger_postings WHERE account = 'exchange_cash'")
    change = sum(micros(dollars) for dollars in book["accounts"]["0"]["cash"].values()) - micros(
        book["opening_cash"]
    )
    if cash[0][0] != change:
        yield f"the ledger says cash changed by {cash[0][0]} micros, the exchange by {change}"


def _doubt(path: Place, book: Json) -> bool:
    return any(row[0] in book["accepted"] for row in rows(path, IN_DOUBT))


def _positions(path: Place, book: Json) -> Iterator[str]:
    if _doubt(path, book):
        return
    ours: defaultdict[str, int] = defaultdict(int)
    for row in rows(path, "SELECT * FROM positions"):
        ours[row["ticker"]] = row["count_centis"] if row["side"] == "yes" else -row["count_centis"]
    theirs: defaultdict[str, int] = defaultdict(int)
    for position in book["accounts"]["0"]["positions"]:
        theirs[position["ticker"]] = int(Decimal(position["position_fp"]) * 100)
    for ticker in ours.keys() | theirs.keys():
        if ours[ticker] != theirs[ticker]:
            yield f"{ticker}: we hold {ours[ticker]}, the exchange says {theirs[ticker]} hundredths"


def _payments(path: Place, paid_sessions: set[str]) -> Iterator[str]:
    states = Counter(row["session_id"] for row in rows(path, "SELECT session_id FROM payments"))
    parlays = Counter(row["session_id"] for row in rows(path, "SELECT session_id FROM parlays"))
    for session in paid_sessions:
        if states[session] != 1:
            yield f"paid session {session} has {states[session]} payments"
    for session, times in parlays.items():
        if times != 1 or session not in paid_sessions:
            yield f"session {session} has {times} parlays, paid: {session in paid_sessions}"


def _halts(path: Place) -> Iterator[str]:
    """Nobody has halted the service, so whoever did has found a difference that should not be."""
    for row in rows(path, "SELECT halted, reason FROM halts ORDER BY id DESC LIMIT 1"):
        if row["halted"]:
            yield f"sending is halted: {row['reason']}"


def _summaries(path: Place) -> Iterator[str]:
    # Each leg's plan is its first intent; what sells a hedge again is no part of it.
    query = (
        "SELECT p.id, p.mode, p.outcome,"
        " (SELECT COALESCE(SUM(count_centis), 0) FROM intents i"
        "   WHERE i.parlay_id = p.id AND purpose != 'unwind' AND NOT EXISTS"
        "     (SELECT 1 FROM intents e WHERE e.parlay_id = p.id AND e.leg = i.leg AND"
        "       e.purpose != 'unwind' AND (e.created_ms, e.sequence, e.purpose)"
        "       < (i.created_ms, i.sequence, i.purpose))) AS planned,"
        " (SELECT COALESCE(SUM(a.fill_centis), 0) FROM attempts a JOIN intents j ON j.id = a.intent_id"
        "   WHERE j.parlay_id = p.id AND j.purpose != 'unwind') AS filled,"
        " (SELECT COUNT(*) FROM attempts a JOIN intents j ON j.id = a.intent_id"
        "   WHERE j.parlay_id = p.id AND j.purpose != 'unwind'"
        "     AND a.state IN ('unknown', 'parked', 'sending')) AS doubtful"
        " FROM parlays p"
    )
    for row in rows(path, query):
        true = "dry_run" if row["mode"] == "dry_run" else _outcome(*row[3:])
        if row["outcome"] != true:
            yield f"{row['id']} is told {row['outcome']} and is {true}"


def _outcome(planned: int, filled: int, doubtful: int) -> str:
    if doubtful:
        return "unknown"
    if not planned:
        return "skipped"
    return "executed" if filled == planned else "partial" if filled else "failed"
