"""What operators may do, each act once: its fields, what runs, and what is said of it afterwards.

The page and the interface for programs both go by this table. Each act runs through the flow's own function,
as on the command line, and is kept in the audit with the operator's name.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import Money
from hedge_service.core.orders import IllegalMove
from hedge_service.errors import BadRequest, Conflict, NotFound
from hedge_service.flow import operating, parked_orders, paying_out, rehedging, replaying
from hedge_service.flow.operating import NotAllowed, Operator
from hedge_service.flow.reconcile_now import reconcile_now
from hedge_service.store import ops_parlays
from hedge_service.store.payouts import Overdrawn
from hedge_service.web.ops import act_schemas as told
from hedge_service.web.ops import bodies
from hedge_service.web.ops.fields import (
    Field,
    choice,
    contracts,
    dollars,
    dollars_each,
    read_all,
    said,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from hedge_service.web.ops.keys import Desk
    from hedge_service.web.ops.schemas import Schema

    Given = Mapping[str, Any]
    Body = dict[str, Any]

ALL_FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. `path` is its address below `/ops/api`; a field named in it is taken from there.

    `why` names the field that is kept as the act's reason, `sentence` says to a person what was done.
    """

    name: str
    path: str
    summary: str
    fields: tuple[Field, ...]
    why: str
    run: Callable[[Desk, Given, Operator], Awaitable[Body]]
    sentence: Callable[[Body], str]
    result: Schema

    async def do(self, desk: Desk, given: Mapping[str, object], name: str, *, form: bool = False) -> Body:
        """Read the fields and act. Raises HedgeError."""
        asked = read_all(self.fields, given, blank_is_absent=form)
        by = Operator(name=name, reason=asked[self.why], at=desk.clock.now())
        with _refusals():
            body = await self.run(desk, asked, by)
        desk.log.info("operator.acted", actor=name, action=self.name, reason=by.reason)
        return body


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell what the flow refuses in words for the person who asked."""
    try:
        yield
    except (NotAllowed, Overdrawn) as error:
        code = "overdrawn" if isinstance(error, Overdrawn) else "not_allowed"
        raise Conflict(f"Not done: {error}", "Nothing was changed.", code=code) from None
    except IllegalMove:
        raise Conflict("It has moved meanwhile", "Look at it again.", code="moved_meanwhile") from None


async def _halt(desk: Desk, _given: Given, by: Operator) -> Body:
    before = await desk.database.write(lambda tx: operating.halt(tx, by))
    return {"halted": True, "before": before}


async def _resume(desk: Desk, _given: Given, by: Operator) -> Body:
    done = await desk.database.write(lambda tx: operating.resume(tx, by))
    desk.nudges.planned.set()
    accepted = [bodies.difference(one) for one in done.acknowledged]
    return {"halted": False, "was": done.was, "acknowledged": accepted}


async def _resolve(desk: Desk, given: Given, by: Operator) -> Body:
    filled, order_id, most = _filled(given), given["client_order_id"], desk.config.hedging.max_attempts
    ended = await desk.database.write(
        lambda tx: parked_orders.resolve(tx, order_id, filled, by, max_attempts=most)
    )
    desk.nudges.changed.set()
    return {
        "client_order_id": order_id,
        "state": ended.state.value,
        "filled": str(ended.filled),
        "count": str(ended.count),
    }


def _filled(given: Given) -> parked_orders.SaidFilled | None:
    figures = {name: given[name] for name in ("count", "price", "fees", "order_id")}
    if given["as"] == "absent":
        extra = [name for name, value in figures.items() if value is not None]
        if extra:
            raise BadRequest(f"{extra[0]}: an absent order has none", "Leave it out, or say filled.")
        return None
    count, price, fees = figures["count"], figures["price"], figures["fees"]
    if count is None or price is None:
        raise BadRequest("A filled order needs count and price", "Take them from the exchange's own page.")
    return parked_orders.SaidFilled(
        count=count, price=price, fees=Money.ZERO if fees is None else fees, order_id=figures["order_id"]
    )


async def _resolve_payment(desk: Desk, given: Given, by: Operator) -> Body:
    act = desk.resolving.accept if given["as"] == "accept" else desk.resolving.refund
    done = await act(given["payment"], by)
    desk.nudges.planned.set()
    return {"session": done.session, "outcome": done.outcome.value, "parlay_id": done.parlay_id}


async def _reconcile(desk: Desk, _given: Given, by: Operator) -> Body:
    if desk.reconciling.locked():
        raise Conflict("A reconciliation is under way", "Wait for its result.", code="under_way")
    async with desk.reconciling:
        report = await reconcile_now(desk.database, desk.reconciler, by, desk.clock.sleep)
    if report is None:
        details = "A live service opens them once it has read the exchange."
        raise Conflict("The books are not open yet", details, code="books_not_open")
    return bodies.reconciliation(report)


async def _rehedge(desk: Desk, given: Given, by: Operator) -> Body:
    parlay_id = given["parlay_id"]
    made = await desk.database.write(lambda tx: rehedging.rehedge_parlay(tx, parlay_id, desk.config, by))
    desk.nudges.planned.set()
    return {
        "parlay_id": parlay_id,
        "intents": [bodies.intent(one) for one in made.intents],
        "skips": [{"leg": leg, "reason": why.value} for leg, why in sorted(made.skips.items())],
    }


async def _pay_out(desk: Desk, given: Given, by: Operator) -> Body:
    amount, reference = given["amount"], given["reference"]
    if not amount:
        raise BadRequest("amount: is nothing", "Give what was paid.")
    user = await desk.database.read(lambda tx: ops_parlays.user_named(tx, given["user"]))
    if user is None:
        raise NotFound("No such user", "Name the user by id or by digest; a digest needs a claimed parlay.")
    new, left = await desk.database.write(
        lambda tx: paying_out.pay_out(tx, user_id=user, amount=amount, reference=reference, by=by)
    )
    return {"reference": reference, "amount": str(amount), "new": new, "wallet": str(left)}


async def _replay(desk: Desk, given: Given, by: Operator) -> Body:
    event = given["event"]
    done = await desk.database.write(
        lambda tx: replaying.replay_failed(tx, by) if event == ALL_FAILED else replaying.replay(tx, event, by)
    )
    desk.nudges.arrived.set()
    return {"events": list(done.events), "more": done.more}


REASON = said("reason", "Why; kept with your name in the audit")

ACTS: tuple[Act, ...] = (
    Act(
        name="halt",
        path="/halt",
        summary="Stop sending orders, at once and across restarts",
        fields=(REASON,),
        why="reason",
        run=_halt,
        sentence=lambda _body: "Sending is halted.",
        result=told.HALTED,
    ),
    Act(
        name="resume",
        path="/resume",
        summary="Send orders again, and accept every mismatch that the halt was for",
        fields=(REASON,),
        why="reason",
        run=_resume,
        sentence=lambda body: (
            "Sending was not halted."
            if body["was"] is None
            else f"Sending is resumed; {len(body['acknowledged'])} differences are accepted."
        ),
        result=told.RESUMED,
    ),
    Act(
        name="resolve",
        path="/orders/{client_order_id}/resolve",
        summary="End a parked order on your word",
        fields=(
            word("client_order_id", "The order's own id"),
            choice("as", "What it came to", ("filled", "absent")),
            said("evidence", "What you saw, and where; kept with your name in the audit"),
            contracts("count", "Contracts filled"),
            dollars_each("price", "Average YES price in dollars, as the exchange shows it"),
            dollars("fees", "Fees in dollars, all together; 0 when left out"),
            word("order_id", "The exchange's id: its executions are then fetched and booked", required=False),
        ),
        why="evidence",
        run=_resolve,
        sentence=lambda body: f"{body['client_order_id']} is {body['state']}, {body['filled']} filled.",
        result=told.RESOLVED,
    ),
    Act(
        name="resolve-payment",
        path="/payments/{payment}/resolve",
        summary="Give a parked payment back, or sell its quote after all",
        fields=(
            word("payment", "Its event, payment intent, session or session digest"),
            choice("as", "Whether its money goes back or is accepted", ("refund", "accept")),
            REASON,
        ),
        why="reason",
        run=_resolve_payment,
        sentence=lambda body: f"Payment {body['session']}: {body['outcome'].replace('_', ' ')}.",
        result=told.PAYMENT_RESOLVED,
    ),
    Act(
        name="reconcile",
        path="/reconcile",
        summary="Compare everything with the exchange now; a mismatch halts sending",
        fields=(REASON,),
        why="reason",
        run=_reconcile,
        sentence=lambda body: f"Compared: {body['result']}, {len(body['differences'])} differences.",
        result=told.RECONCILIATION,
    ),
    Act(
        name="rehedge",
        path="/parlays/{parlay_id}/rehedge",
        summary="Order again what is unhedged of an open parlay, within its plan's limits and the caps",
        fields=(word("parlay_id", "The parlay"), REASON),
        why="reason",
        run=_rehedge,
        sentence=lambda body: f"{len(body['intents'])} orders are planned for {body['parlay_id']}.",
        result=told.REHEDGED,
    ),
    Act(
        name="payout",
        path="/payouts",
        summary="Book winnings that were paid to a user outside this service",
        fields=(
            word("user", "The user's id, or the digest that logs and pages show"),
            dollars("amount", "Dollars, as 25.00", required=True),
            word("reference", "The transfer's number: booked once"),
            REASON,
        ),
        why="reason",
        run=_pay_out,
        sentence=lambda body: (
            f"Payout {body['reference']} is booked; the wallet holds ${body['wallet']}."
            if body["new"]
            else f"Payout {body['reference']} was booked before; nothing changed."
        ),
        result=told.PAID_OUT,
    ),
    Act(
        name="replay",
        path="/inbox/{event}/replay",
        summary=f"Handle an event anew that failed, or all that did (`{ALL_FAILED}`)",
        fields=(word("event", f"The event's id at its source, or `{ALL_FAILED}`"), REASON),
        why="reason",
        run=_replay,
        sentence=lambda body: f"{len(body['events'])} events are handled anew.",
        result=told.REPLAYED,
    ),
)
BY_NAME = {act.name: act for act in ACTS}
