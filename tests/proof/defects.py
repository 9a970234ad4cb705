"""Known defects of services like this one, as edits that put each back: what the tests are there to catch."""

from __future__ import annotations

from dataclasses import dataclass

PATIENT_INTAKE = "test_while_the_exchange_is_away_a_payment_waits_longer_and_longer_and_is_then_handled"


@dataclass(frozen=True, slots=True)
class Edit:
    """`old` stands exactly once in `file`, and `new` in its place is the defect."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One defect, and the tests (files, or one by its id) of which at least one has to fail."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


DEFECTS: tuple[Defect, ...] = (
    Defect(
        name="a new random id for every attempt",
        edits=(
            Edit(
                "hedge_service/core/ids.py",
                "return ORDER_PREFIX + str(_uuid(parts))",
                'return ORDER_PREFIX + str(__import__("uuid").uuid4())',
            ),
        ),
        tests=("tests/core/test_ids.py",),
    ),
    Defect(
        name="not found taken as failed",
        edits=(
            Edit(
                "hedge_service/core/orders.py",
                "S.UNKNOWN: frozenset({S.SENDING, S.PARKED,",
                "S.UNKNOWN: frozenset({S.REFUSED, S.SENDING, S.PARKED,",
            ),
            Edit(
                "hedge_service/flow/lookup.py",
                "        if step is UnknownStep.PARK:\n",
                "        if isinstance(seen, Absent):\n"
                "            await self._database.write(\n"
                "                lambda tx: journal.moved(\n"
                "                    tx, attempt, AttemptState.REFUSED, at=now, event='x', evidence={}\n"
                "                )\n"
                "            )\n"
                "            return None\n"
                "        if step is UnknownStep.PARK:\n",
            ),
        ),
        tests=("tests/flow/test_lookup.py",),
    ),
    Defect(
        name="an event marked handled before its effect",
        edits=(
            Edit(
                "hedge_service/flow/intake.py",
                "        facts = await self._accepting.gather(event, paid)\n",
                '        await self._close(event, "accepted")\n'
                "        facts = await self._accepting.gather(event, paid)\n",
            ),
            Edit(
                "hedge_service/flow/accepting.py",
                "        if not inbox.is_open(tx, facts.event.id):\n            return Result()\n",
                "",
            ),
        ),
        tests=(f"tests/flow/test_intake.py::{PATIENT_INTAKE}",),
    ),
    Defect(
        name="SENDING journaled after the bytes",
        edits=(
            Edit(
                "hedge_service/flow/sending.py",
                "            sending = await self._begins.put(Copy(intent, attempt))\n",
                "            reply = await self._transmit(intent, attempt, grant)\n"
                "            sending = await self._begins.put(Copy(intent, attempt))\n",
            ),
            Edit(
                "hedge_service/flow/sending.py",
                "        reply = await self._transmit(intent, sending, grant)\n",
                "",
            ),
        ),
        tests=("tests/flow/test_dispatch.py::test_a_journal_that_cannot_be_written_sends_nothing",),
    ),
    Defect(
        name="a 5xx taken as refused",
        edits=(
            Edit(
                "hedge_service/wire/kalshi/orders.py",
                "    if status in _DEFINITE or (",
                "    if status in _DEFINITE or status >= 500 or (",
            ),
        ),
        tests=("tests/wire/test_kalshi_orders.py",),
    ),
    Defect(
        name="an order found by its count instead of its id",
        edits=(
            Edit(
                "hedge_service/flow/lookup.py",
                "if order.client_order_id == attempt.client_order_id",
                "if order.initial_count == attempt.count",
            ),
        ),
        tests=("tests/flow/test_lookup.py",),
    ),
    Defect(
        name="the first page of orders only",
        edits=(
            Edit(
                "hedge_service/clients/kalshi/caller.py",
                "            if not cursor:\n                return found\n",
                "            return found\n",
            ),
        ),
        tests=("tests/clients/test_kalshi_client_reads.py",),
    ),
    Defect(
        name="the first page of payments only",
        edits=(
            Edit(
                "hedge_service/clients/payments.py",
                "            if page.next_after is None:\n                return\n",
                "            return\n",
            ),
        ),
        tests=("tests/clients/test_payments.py",),
    ),
    Defect(
        name="synchronous=NORMAL",
        edits=(
            Edit(
                "hedge_service/store/sqlite.py",
                '"PRAGMA synchronous = FULL"',
                '"PRAGMA synchronous = NORMAL"',
            ),
        ),
        tests=("tests/store/test_db.py",),
    ),
    Defect(
        name="a serial lane without its lock",
        edits=(
            Edit(
                "hedge_service/store/postgres.py",
                "_TAKE_LANE if lane is Lane.SERIAL else _ALIVE",
                "_ALIVE",
            ),
        ),
        tests=("tests/store/test_postgres.py",),
    ),
    Defect(
        name="an order sent for an intent that has ended",
        edits=(
            Edit(
                "hedge_service/flow/sending.py",
                "    if intent.ended_at is not None:\n",
                "    if False:\n",
            ),
            Edit(
                "hedge_service/store/journal_sets.py",
                " if one.intent_id not in ended]",
                "]",
            ),
        ),
        tests=("tests/flow/test_dispatch.py",),
    ),
    Defect(
        name="what is planned forgotten when it could not be stored",
        edits=(
            Edit(
                "hedge_service/flow/dispatch.py",
                "attempts=_with_planned(stored, work.attempts))",
                "attempts=stored)",
            ),
        ),
        tests=("tests/flow/test_dispatch.py",),
    ),
    Defect(
        name="cash that a balance does not show left out",
        edits=(
            Edit(
                "hedge_service/store/journal.py",
                "    return {row.ticker: Money(int(row.micros)) for row in rows}\n",
                "    return {} if rows else {}\n",
            ),
        ),
        tests=("tests/store/test_journal_store.py",),
    ),
    Defect(
        name="events taken from a process that handles them",
        edits=(
            Edit(
                "hedge_service/store/inbox.py",
                "where(inbox.c.claimed_until_ms <= _AT, *_IS_DUE)\n    taken",
                "where(*_IS_DUE)\n    taken",
            ),
        ),
        tests=("tests/store/test_inbox.py",),
    ),
    Defect(
        name="signed before the limiter",
        edits=(
            Edit(
                "hedge_service/clients/kalshi/caller.py",
                "        async with AsyncExitStack() as held:\n",
                "        self._signed_at = self._clock.now()\n        async with AsyncExitStack() as held:\n",
            ),
            Edit(
                "hedge_service/clients/kalshi/caller.py",
                "timestamp_ms = millis(self._clock.now())",
                'timestamp_ms = millis(getattr(self, "_signed_at", self._clock.now()))',
            ),
        ),
        tests=("tests/clients/test_signed_after_the_wait.py",),
    ),
    Defect(
        name="an order signed before the limiter",
        edits=(
            Edit(
                "hedge_service/flow/dispatch.py",
                "        async with self._limiter.write.acquire(self._rules.create_cost()) as grant:\n",
                "        self._wire._door._caller._signed_at = self._clock.now()\n"
                "        async with self._limiter.write.acquire(self._rules.create_cost()) as grant:\n",
            ),
            Edit(
                "hedge_service/clients/kalshi/caller.py",
                "timestamp_ms = millis(self._clock.now())",
                'timestamp_ms = millis(getattr(self, "_signed_at", self._clock.now()))',
            ),
        ),
        tests=("tests/system/test_signature_age.py",),
    ),
    Defect(
        name="money read as a float",
        edits=(
            Edit(
                "hedge_service/core/money.py",
                "    scaled = number * per_one\n",
                "    scaled = float(number) * per_one\n",
            ),
        ),
        tests=("tests/core/test_money.py",),
    ),
    Defect(
        name="a cost worked out in floats",
        edits=(
            Edit(
                "hedge_service/core/money.py",
                "return Money(-(-self.micros * count.centis // CENTIS_PER_CONTRACT))",
                "return Money(round(self.micros / 1e6 * (count.centis / 100) * 1e6))",
            ),
        ),
        tests=("tests/core/test_money.py",),
    ),
    Defect(
        name="the payout taken from the client",
        edits=(
            Edit(
                "hedge_service/flow/checkout.py",
                "        check_echo(quote, asked)\n",
                "        told = quote.payout.of(asked.quote['payout']['adjustedPayout'])\n"
                "        tx.execute(\n"
                "            quotes.quotes.update()\n"
                "            .where(quotes.quotes.c.id == quote.id)\n"
                "            .values(payout_micros=told.micros)\n"
                "        )\n",
            ),
        ),
        tests=("tests/flow/test_checkout.py",),
    ),
    Defect(
        name="a summary that says executed on failure",
        edits=(
            Edit(
                "hedge_service/core/summary.py",
                "return HedgeOutcome.PARTIAL if bought else HedgeOutcome.FAILED",
                "return HedgeOutcome.EXECUTED",
            ),
        ),
        tests=("tests/core/test_summary.py",),
    ),
    Defect(
        name="a refusal of a resend ends the attempt",
        edits=(
            Edit(
                "hedge_service/core/orders.py",
                "        case _ if in_doubt:\n",
                "        case _ if in_doubt and not isinstance(reply, Refused):\n",
            ),
        ),
        tests=("tests/core/test_orders_table.py", "tests/core/test_orders_machine.py"),
    ),
    Defect(
        name="the lease not guarded in writes",
        edits=(
            Edit(
                "hedge_service/store/leases.py",
                '    if not _MINE.all(tx, {"account": account, "epoch": epoch}):\n',
                "    if epoch < 0:\n",
            ),
        ),
        tests=("tests/store/test_leases.py",),
    ),
    Defect(
        name="the lease not asked before the bytes",
        edits=(
            Edit(
                "hedge_service/flow/sending.py",
                "            if not self._sender.may_send():\n",
                "            if self._sender.epoch is None:\n",
            ),
        ),
        tests=("tests/flow/test_sender.py",),
    ),
    Defect(
        name="a webhook from the future accepted",
        edits=(
            Edit(
                "hedge_service/wire/stripe/signature.py",
                "    if stamp > now + min(tolerance_s, MAX_CLOCK_LEAD_S):\n",
                "    if stamp > now + 10**9:\n",
            ),
        ),
        tests=("tests/wire/test_stripe_signature.py",),
    ),
    Defect(
        name="a claim that pays twice",
        edits=(
            Edit(
                "hedge_service/store/parlays.py",
                '(parlays.c.id == parlay_id, parlays.c.state == "won", parlays.c.claimed_ms.is_(None))',
                '(parlays.c.id == parlay_id, parlays.c.state == "won")',
            ),
            Edit(
                "hedge_service/flow/accounts.py",
                "    return ledger.post(tx, claimed(parlay_id=parlay.id, payout=parlay.payout), now)\n",
                "    ledger.post(tx, claimed(parlay_id=parlay.id, payout=parlay.payout), now)\n"
                "    return True\n",
            ),
        ),
        tests=("tests/flow/test_accounts.py", "tests/flow/test_claims.py"),
    ),
    Defect(
        name="absence believed before the data timestamp",
        edits=(
            Edit(
                "hedge_service/flow/lookup.py",
                "return Unproved() if isinstance(seen, Absent) and not passed else seen",
                "return seen",
            ),
        ),
        tests=("tests/flow/test_lookup.py",),
    ),
    Defect(
        name="absence believed while the request may have been under way",
        edits=(
            Edit(
                "hedge_service/flow/lookup.py",
                "user_data_timestamp() >= given_up + self._margin",
                "user_data_timestamp() >= (attempt.last_sent_at or given_up) + self._margin",
            ),
        ),
        tests=("tests/flow/test_lookup.py",),
    ),
    Defect(
        name="a refund without an idempotency key",
        edits=(
            Edit(
                "hedge_service/clients/payments.py",
                '                {"idempotency_key": idempotency_key},\n',
                "                {},\n",
            ),
        ),
        tests=("tests/clients/test_payments.py",),
    ),
    Defect(
        name="a halt not read where SENDING is written",
        edits=(
            Edit(
                "hedge_service/flow/sending.py",
                "            reason = halts.reason(tx)\n            if reason is not None:\n",
                "            reason = halts.reason(tx)\n            if reason == '':\n",
            ),
        ),
        tests=("tests/flow/test_dispatch.py",),
    ),
    Defect(
        name="orders sent before the exchange was read",
        edits=(
            Edit(
                "hedge_service/flow/sender.py",
                "return self.reconciled and self.alive()",
                "return self.alive()",
            ),
        ),
        tests=("tests/flow/test_dispatch.py", "tests/flow/test_start_up.py"),
    ),
    Defect(
        name="a restored database that is not noticed",
        edits=(
            Edit(
                "hedge_service/flow/start_up.py",
                "        if foreign:\n            await self._halt(foreign)\n",
                "",
            ),
        ),
        tests=("tests/flow/test_start_up.py",),
    ),
    Defect(
        name="the HTTP library sends again by itself",
        edits=(
            Edit(
                "hedge_service/clients/kalshi/transport.py",
                "self._session._retry_connection = False",
                "self._session._retry_connection = True",
            ),
        ),
        tests=("tests/clients/test_kalshi_client_reads.py",),
    ),
    Defect(
        name="a resend window without end",
        edits=(
            Edit(
                "hedge_service/core/journal.py",
                "    if now >= attempt.first_sent_at + resend_window:\n",
                "    if now >= attempt.first_sent_at + 1000 * resend_window:\n",
            ),
        ),
        tests=("tests/core/test_journal_steps.py",),
    ),
    Defect(
        name="a new id while an old signature still holds",
        edits=(
            Edit(
                "hedge_service/core/journal.py",
                "SIGNATURE_LIFE = timedelta(seconds=60)",
                "SIGNATURE_LIFE = timedelta(seconds=0)",
            ),
        ),
        tests=("tests/core/test_journal_steps.py",),
    ),
    Defect(
        name="an execution that is told twice counted twice",
        edits=(
            Edit(
                "hedge_service/flow/lookup.py",
                "    return tuple({fill.trade_id: fill for fill in fills"
                " if fill.order_id == order.order_id}.values())\n",
                "    return tuple(fill for fill in fills if fill.order_id == order.order_id)\n",
            ),
        ),
        tests=("tests/flow/test_lookup.py",),
    ),
    Defect(
        name="a determined market taken as final",
        edits=(
            Edit(
                "hedge_service/core/settlement.py",
                "    if market.status is not MarketStatus.FINALIZED:\n",
                "    if market.status not in {MarketStatus.FINALIZED, MarketStatus.DETERMINED}:\n",
            ),
        ),
        tests=("tests/core/test_settlement.py",),
    ),
    Defect(
        name="a ledger set that need not balance",
        edits=(
            Edit(
                "hedge_service/core/ledger.py",
                "        if sum(posting.micros for posting in self.postings) != 0:\n",
                "        if not self.cause:\n",
            ),
        ),
        tests=("tests/core/test_ledger.py",),
    ),
    Defect(
        name="opposite contracts held side by side",
        edits=(
            Edit(
                "hedge_service/core/ledger.py",
                "    if held is None or held.side is fill.side or not held.count:\n",
                "    if held is None or held.side is fill.side or held.count:\n",
            ),
        ),
        tests=("tests/core/test_ledger.py", "tests/store/test_books_machine.py"),
    ),
)
