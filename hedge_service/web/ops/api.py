"""What programs may read: one table of operations, from which the routes and the description are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import HedgeOutcome
from hedge_service.core.settlement import ParlayState
from hedge_service.errors import NotFound
from hedge_service.store import ops_drill, ops_inbox, ops_orders, ops_parlays, ops_records
from hedge_service.store.ops_inbox import Which
from hedge_service.store.overview import overview
from hedge_service.web.ops import bodies, drill_bodies, profit, reporting, room
from hedge_service.web.ops.fields import LIMIT, PAGED, SINCE, USUAL_ROWS, Field, choice, word
from hedge_service.web.ops.schemas import items, maybe, record, ref, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from hedge_service.store.ops_paging import Cursor, Page
    from hedge_service.web.ops.keys import Desk
    from hedge_service.web.ops.schemas import Schema

    Given = Mapping[str, Any]
    Body = dict[str, Any]

EXCHANGE = choice("exchange", "Also compare with the exchange's own cash", ("ask",), required=False)
IN_DOUBT = (AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.PARKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One thing to be read. `path` is its address below `/ops/api`; what it names is taken from there."""

    name: str
    path: str
    summary: str
    run: Callable[[Desk, Given], Awaitable[Body]]
    result: Schema
    fields: tuple[Field, ...] = ()


def _listed(page: Page[Any], body: Callable[[Any], Body]) -> Body:
    return {
        "items": [body(one) for one in page.items],
        "next": None if page.next is None else str(page.next),
    }


def _paged(
    rows: Callable[..., Page[Any]], body: Callable[[Any], Body]
) -> Callable[[Desk, Given], Awaitable[Body]]:
    """Read a list of which nothing is asked but its pages."""

    async def run(desk: Desk, given: Given) -> Body:
        page = await desk.database.read(lambda tx: rows(tx, limit=_limit(given), after=_after(given)))
        return _listed(page, body)

    return run


def _limit(given: Given) -> int:
    limit: int | None = given["limit"]
    return USUAL_ROWS if limit is None else limit


def _after(given: Given) -> Cursor | None:
    after: Cursor | None = given["cursor"]
    return after


async def status(desk: Desk, _given: Given) -> Body:
    """Tell how everything stands."""
    now = desk.clock.now()
    seen = await desk.database.read(lambda tx: overview(tx, account=desk.account, now=now))
    return bodies.status(desk.config, desk.account, seen, now)


async def list_parlays(desk: Desk, given: Given) -> Body:
    """List parlays, newest first."""
    page = await desk.database.read(
        lambda tx: ops_parlays.listed(
            tx,
            limit=_limit(given),
            after=_after(given),
            state=given["state"],
            hedge=given["hedge"],
            named=given["q"],
        )
    )
    return _listed(page, bodies.parlay)


async def one_parlay(desk: Desk, given: Given) -> Body:
    """Tell everything about a parlay."""
    found = await desk.database.read(lambda tx: ops_drill.drilled(tx, given["parlay_id"]))
    if found is None:
        raise NotFound("No such parlay", "Search for it by session, order or ticker: ?q=")
    return drill_bodies.drilled(found)


async def list_orders(desk: Desk, given: Given) -> Body:
    """List orders, those in doubt unless another state is asked for."""
    now = desk.clock.now()
    states = IN_DOUBT if given["state"] is None else (AttemptState(given["state"]),)
    page = await desk.database.read(
        lambda tx: ops_orders.listed(tx, states=states, limit=_limit(given), after=_after(given))
    )
    return _listed(page, lambda one: bodies.order(one, now))


async def list_inbox(desk: Desk, given: Given) -> Body:
    """List events of the inbox."""
    now = desk.clock.now()
    which = Which.WAITING if given["which"] is None else Which(given["which"])
    page = await desk.database.read(
        lambda tx: ops_inbox.listed(tx, which, limit=_limit(given), after=_after(given))
    )
    return _listed(page, lambda one: bodies.inbox_event(one, now))


async def money_report(desk: Desk, given: Given) -> Body:
    """Tell profit and loss: the whole books, of the parlays only the newest."""
    made = await reporting.made(desk, since=given["since"], exchange=given["exchange"] is not None)
    newest = made.rows[-_limit(given) :][::-1]
    return bodies.money_report(made, newest) | {"parlays_left_out": len(made.rows) - len(newest)}


def listing(name: str) -> Schema:
    """Describe one page of a list."""
    return record(
        items=items(ref(name)),
        next=maybe(text("The `cursor` of the next page; null at the end")),
    )


READS: tuple[Read, ...] = (
    Read(
        name="status",
        path="/status",
        summary="How everything stands: mode, halt, sender, parlays, orders, inbox, caps, reconciliation",
        run=status,
        result=ref("Status"),
    ),
    Read(
        name="parlays",
        path="/parlays",
        summary="Parlays, newest first, by state or by what one is known by",
        run=list_parlays,
        result=listing("Parlay"),
        fields=(
            choice("state", "How the parlay stands", tuple(ParlayState), required=False),
            choice("hedge", "How its hedge came out", tuple(HedgeOutcome), required=False),
            word("q", "A parlay, session, quote, order, exchange's order or ticker", required=False),
            *PAGED,
        ),
    ),
    Read(
        name="parlay",
        path="/parlays/{parlay_id}",
        summary="Everything about a parlay: quote, advice, plan, orders with evidence, fills, result, ledger",
        run=one_parlay,
        result=ref("ParlayDetails"),
        fields=(word("parlay_id", "The parlay"),),
    ),
    Read(
        name="orders",
        path="/orders",
        summary="Orders, oldest first; those in doubt unless a state is asked for",
        run=list_orders,
        result=listing("Order"),
        fields=(choice("state", "How the order stands", tuple(AttemptState), required=False), *PAGED),
    ),
    Read(
        name="inbox",
        path="/inbox",
        summary="Events from outside, newest first, without what they say",
        run=list_inbox,
        result=listing("InboxEvent"),
        fields=(
            choice("which", "Which events; those that wait when left out", tuple(Which), required=False),
            *PAGED,
        ),
    ),
    Read(
        name="payments",
        path="/payments",
        summary="Payments that wait for their refund or for a person, oldest first",
        run=_paged(ops_records.parked_payments, bodies.payment),
        result=listing("ParkedPayment"),
        fields=PAGED,
    ),
    Read(
        name="reconciliations",
        path="/reconciliations",
        summary="Comparisons with the exchange, newest first",
        run=_paged(ops_records.reconciled, bodies.reconciled),
        result=listing("Reconciliation"),
        fields=PAGED,
    ),
    Read(
        name="report",
        path="/report",
        summary="Profit and loss, and whether the books add up",
        run=money_report,
        result=ref("Report"),
        fields=(SINCE, EXCHANGE, LIMIT),
    ),
    Read(
        name="profit",
        path="/profit",
        summary="Realized profit by hour, day or week, and by strategy",
        run=profit.profit,
        result=ref("Profit"),
        fields=(profit.PERIOD,),
    ),
    Read(
        name="exposure",
        path="/exposure",
        summary="What open parlays may cost by market, event and day, against the caps",
        run=room.exposure,
        result=ref("Exposure"),
        fields=(LIMIT,),
    ),
    Read(
        name="buckets",
        path="/buckets",
        summary="Tokens left in each rate bucket of this process",
        run=room.buckets,
        result=ref("Buckets"),
    ),
    Read(
        name="audit",
        path="/audit",
        summary="What people did, newest first",
        run=_paged(ops_records.acts, bodies.act),
        result=listing("AuditEntry"),
        fields=PAGED,
    ),
)
BY_NAME = {read.name: read for read in READS}
