"""What acts answer."""

from __future__ import annotations

from hedge_service.core.reconcile_views import Kind, Result
from hedge_service.core.rehedge import NoOrder
from hedge_service.flow.payment_resolving import Outcome
from hedge_service.web.ops.schemas import (
    count,
    flag,
    items,
    maybe,
    money,
    one_of,
    record,
    ref,
    text,
    whole,
)

DIFFERENCE_FIELDS = {
    "kind": one_of(Kind),
    "subject": text("The order, trade or ticker"),
    "ours": text(),
    "theirs": text(),
}
HALTED = record(halted=flag(), before=maybe(text("The reason of a halt that stood before")))
RESUMED = record(
    halted=flag(),
    was=maybe(text("Why sending had been halted; null: it was not")),
    acknowledged=items(ref("Difference"), "What was accepted with it"),
)
RESOLVED = record(
    client_order_id=text(), state=one_of(("filled", "cancelled")), filled=count(), count=count()
)
PAYMENT_RESOLVED = record(
    session=text("Digest of the session"), outcome=one_of(Outcome), parlay_id=maybe(text())
)
RECONCILIATION = record(
    result=one_of(Result),
    read=record(
        orders=whole(), orders_of_others=whole(), fills=whole(), positions=whole(), settlements=whole()
    ),
    differences=items(record(**DIFFERENCE_FIELDS, mismatch=flag("It halts sending"))),
    found_in_doubt=items(text(), "Orders in doubt here that the exchange holds"),
)
REHEDGED = record(
    parlay_id=text(),
    intents=items(ref("Intent")),
    skips=items(record(leg=whole(), reason=one_of(NoOrder)), "Legs that get no order"),
)
PAID_OUT = record(
    reference=text(), amount=money(), new=flag("False: it was booked before"), wallet=money("What is left")
)
REPLAYED = record(events=items(text()), more=flag("Others wait for another act"))
