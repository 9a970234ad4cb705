"""What Stripe's refunds and disputes of a payment make of it, and how that is booked.

`settle_charge` is called in every transaction that learns anything of a payment: that it came, that it went
back, that it is disputed. It decides from all that is known by then, so that the order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core import ledger_back
from hedge_service.core.acceptance import ParkReason
from hedge_service.core.ledger import Account
from hedge_service.core.ledger_back import Source, dispute_cause, refund_cause
from hedge_service.core.money import Money
from hedge_service.core.money_back import DisputeState, Gone, Ruling, gone, ruling
from hedge_service.core.settlement import ParlayState
from hedge_service.flow.notes import Note
from hedge_service.flow.voiding import void
from hedge_service.logs import digest
from hedge_service.store import charges, ledger, parlays, payments, refunds
from hedge_service.store.payments import PaymentState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.ledger import Posting, PostingSet
    from hedge_service.core.money_back import Dispute, StripeRefund
    from hedge_service.store.parlays import Parlay
    from hedge_service.store.payments import Payment

FAILED_AT_THE_BANK = "failed_at_the_bank"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """All that is known of one payment."""

    payment: Payment
    parlay: Parlay | None
    refunds: tuple[StripeRefund, ...]
    disputes: tuple[Dispute, ...]
    at: datetime

    @property
    def parlay_id(self) -> str | None:
        return None if self.parlay is None else self.parlay.id

    @property
    def state(self) -> ParlayState | None:
        return None if self.parlay is None else ParlayState(self.parlay.state)

    @property
    def back(self) -> Gone:
        return gone(self.refunds, self.disputes)

    @property
    def ruling(self) -> Ruling:
        claimed = self.parlay is not None and self.parlay.claimed_at is not None
        return ruling(self.back, paid_cents=self.payment.amount_cents, state=self.state, claimed=claimed)

    def fields(self) -> dict[str, object]:
        return {
            "session": digest(self.payment.session_id),
            "parlay_id": self.parlay_id,
            "paid_cents": self.payment.amount_cents,
            "refunded_cents": self.back.refunded_cents,
            "charged_back_cents": self.back.charged_back_cents,
        }


@dataclass(frozen=True, slots=True)
class _Movement:
    """One refund or lost dispute: its cause in the ledger, its amount, and how it is booked."""

    cause: str
    amount: Money
    book: Callable[[Source], PostingSet]


def settle_charge(tx: Connection, payment_intent: str, at: datetime, *, news: bool) -> tuple[Note, ...]:
    """Bring a payment, its parlay and the books in line with what Stripe has told of it; repeatable.

    `news`: something was learned in this transaction, so that a payment that a person has released before is
    parked again. Nothing happens for a payment that is not recorded (yet).
    """
    case = _load(tx, payment_intent, at)
    if case is None:
        return ()
    notes = list(_undo_failed(tx, case, news=news))
    decided = case.ruling
    if decided is Ruling.VOID and case.parlay is not None and void(tx, case.parlay, at):
        notes.append(Note(event="parlay.voided", fields=case.fields() | {"reason": "money_went_back"}))
    case = _reloaded(tx, case)
    _book(tx, case)
    notes += _conclude(tx, case, decided, news=news)
    return tuple(notes)


def known_trouble(tx: Connection, payment_intent: str | None) -> ParkReason | None:
    """Say what Stripe has already told of a payment that forbids selling anything for it, or None."""
    if payment_intent is None:
        return None
    known = charges.disputes_of(tx, payment_intent)
    if gone(charges.refunds_of(tx, payment_intent), known).cents:
        return ParkReason.MONEY_WENT_BACK
    return ParkReason.DISPUTED if any(each.state is DisputeState.OPEN for each in known) else None


def _load(tx: Connection, payment_intent: str, at: datetime) -> _Case | None:
    payment = payments.by_intent(tx, payment_intent)
    if payment is None:
        return None
    return _Case(
        payment=payment,
        parlay=parlays.by_session(tx, payment.session_id),
        refunds=charges.refunds_of(tx, payment_intent),
        disputes=charges.disputes_of(tx, payment_intent),
        at=at,
    )


def _reloaded(tx: Connection, case: _Case) -> _Case:
    intent = case.payment.payment_intent
    found = None if intent is None else _load(tx, intent, case.at)
    return case if found is None else found


def _undo_failed(tx: Connection, case: _Case, *, news: bool) -> Iterable[Note]:
    """Take refunds back into the books that failed at the payer's bank; what should have gone waits."""
    failed = [refund for refund in case.refunds if refund.came_back]
    for refund in failed:
        if booked := ledger.booked(tx, refund_cause(refund.id)):
            undone = ledger_back.came_back(refund_id=refund.id, parlay_id=case.parlay_id, booked=booked)
            ledger.post(tx, undone, case.at)
    if failed and news and _was_owed(case) and case.back.cents < case.payment.amount_cents:
        refunds.failed(tx, case.payment.session_id, failure=FAILED_AT_THE_BANK)
        reason = ParkReason.REFUND_FAILED.value
        payments.moved(tx, case.payment.session_id, PaymentState.PARKED, reason)
        yield Note(event="refund.failed", fields=case.fields() | {"code": FAILED_AT_THE_BANK}, person=True)


def _book(tx: Connection, case: _Case) -> None:
    for fee in (fee for dispute in case.disputes for fee in dispute.fees):
        entry = ledger_back.dispute_fee(
            transaction_id=fee.transaction_id, parlay_id=case.parlay_id, fee=Money.cents(fee.cents)
        )
        ledger.post(tx, entry, case.at)
    if not ledger.booked(tx, f"payment:{case.payment.session_id}"):
        # A payment in another currency is in no books; neither is what goes back of it.
        return
    _cover_losses(tx, case)
    for movement in _movements(case):
        if ledger.booked(tx, movement.cause):
            continue
        owed = min(_left(tx, case), movement.amount) if _was_owed(case) else Money.ZERO
        source = Source(parlay_id=case.parlay_id, amount=movement.amount, loss=movement.amount - owed)
        ledger.post(tx, movement.book(source), case.at)


def _was_owed(case: _Case) -> bool:
    return case.state is None or case.state is ParlayState.VOID


def _cover_losses(tx: Connection, case: _Case) -> None:
    """Take from a void parlay's stake what was booked as a loss while the parlay stood."""
    if case.parlay is None or case.state is not ParlayState.VOID:
        return
    lost = _sum(tx, case, Account.GIVEN_BACK)
    covered = min(lost, _left(tx, case))
    if covered:
        ledger.post(tx, ledger_back.loss_covered(parlay_id=case.parlay.id, amount=covered), case.at)


def _left(tx: Connection, case: _Case) -> Money:
    """Say how much of the payment is still owed back, as the books stand."""
    liability = Account.SUSPENSE if case.parlay is None else Account.OWED
    taken = _sum(tx, case, liability)
    if case.parlay is not None:
        taken += _total(ledger.booked(tx, f"void:{case.parlay.id}"), liability)
    return max(Money.cents(case.payment.amount_cents) - taken, Money.ZERO)


def _sum(tx: Connection, case: _Case, account: Account) -> Money:
    booked = (ledger.booked(tx, movement.cause) for movement in _movements(case))
    return sum((_total(lines, account) for lines in booked), Money.ZERO)


def _total(lines: Iterable[Posting], account: Account) -> Money:
    return Money(sum(line.micros for line in lines if line.account is account))


def _movements(case: _Case) -> Iterable[_Movement]:
    for refund in case.refunds:
        if not refund.came_back:
            yield _refund_movement(refund)
    for dispute in case.disputes:
        if dispute.state is DisputeState.LOST:
            yield _dispute_movement(dispute)


def _refund_movement(refund: StripeRefund) -> _Movement:
    def book(source: Source) -> PostingSet:
        return ledger_back.refund(refund_id=refund.id, source=source)

    return _Movement(refund_cause(refund.id), Money.cents(refund.amount_cents), book)


def _dispute_movement(dispute: Dispute) -> _Movement:
    def book(source: Source) -> PostingSet:
        return ledger_back.charged_back(dispute_id=dispute.id, source=source)

    return _Movement(dispute_cause(dispute.id), Money.cents(dispute.amount_cents), book)


def _conclude(tx: Connection, case: _Case, decided: Ruling, *, news: bool) -> Iterable[Note]:
    """Record what became of the payment and of our own refund of it, and give what is to be told."""
    match decided:
        case Ruling.VOID | Ruling.CLOSED:
            yield from _closed(tx, case)
        case Ruling.PERSON if news:
            whole = case.back.cents >= case.payment.amount_cents
            reason = ParkReason.REFUNDED_AFTER_RESULT if whole else ParkReason.REFUNDED_IN_PART
            payments.moved(tx, case.payment.session_id, PaymentState.PARKED, reason.value)
            yield Note(event="payment.parked", fields=case.fields() | {"reason": reason.value}, person=True)
        case _:
            return


def _closed(tx: Connection, case: _Case) -> Iterable[Note]:
    session_id, back = case.payment.session_id, case.back
    state = PaymentState.CHARGED_BACK if back.charged_back_cents else PaymentState.REFUNDED
    if state is not case.payment.state:
        payments.moved(tx, session_id, state, case.payment.reason)
        yield Note(event=f"payment.{state.value}", fields=case.fields())
    standing = [refund.id for refund in case.refunds if not refund.came_back]
    if back.refunded_cents >= case.payment.amount_cents and standing:
        if refunds.made(tx, session_id, standing[-1], case.at):
            yield Note(event="refund.made", fields=case.fields() | {"refund_id": standing[-1]})
    elif refunds.dropped(tx, session_id, case.at):
        yield Note(event="refund.dropped", fields=case.fields())
