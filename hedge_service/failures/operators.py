"""What operators meet: start and commands, halts, differences of the books, lines at level `error`."""

from __future__ import annotations

from hedge_service.failures.declare import Failure, failure

COMPARE = (
    "Compare both sides at the exchange's own page; "
    "`hedge-service resume --reason` accepts just this difference."
)

COMMANDS: tuple[Failure, ...] = (
    failure(
        "bad_configuration",
        "The configuration stops the start; each line names the key, what is wrong, and what is allowed.",
        "Correct `config.toml`, the `HEDGE_*` variables or `.env` as each line says, and start again.",
    ),
    failure(
        "database_missing",
        "There is no database at the configured address.",
        "Check `[database] url` and the working directory; `hedge-service serve` makes a new one.",
    ),
    failure(
        "database_older",
        "The database is of an earlier version.",
        "Run `hedge-service migrate`, or start `hedge-service serve`.",
    ),
    failure(
        "database_newer",
        "The database was migrated by a newer version of the service.",
        "Install that version again, or put back a copy from before.",
    ),
    failure(
        "database_foreign",
        "The database belongs to another environment, account, subaccount or Stripe mode.",
        "Use the configuration that made it, or another `[database] url`.",
    ),
    failure(
        "database_moved",
        "The database was moved to another one and is retired: nothing may be written to it.",
        "Set `[database] url` to the address that the message names.",
    ),
    failure(
        "move_unfinished",
        "A move into this database was cut off, or was undone; nothing may be written to it.",
        "Run the same `hedge-service migrate --from ... --to ...` again, or use the database it came from.",
    ),
    failure(
        "source_not_halted",
        "A database is moved only while sending is halted; nothing was copied.",
        "Run `hedge-service halt --reason ...`, stop the service, and move it again.",
    ),
    failure(
        "source_in_use",
        "A service runs on the database that is to be moved; nothing was copied.",
        "Stop it; a killed one holds its lease for `lease_s` more.",
    ),
    failure(
        "source_damaged",
        "The file, its references or its ledger are not sound; nothing was copied.",
        "Restore a good copy; see docs/going-live.md.",
    ),
    failure(
        "target_not_empty",
        "The database to move into holds something that is not an unfinished move of this source.",
        "Make a new, empty database for the service and give its address.",
    ),
    failure(
        "target_failed",
        "The database to move into can't be reached or refused a step; the source was not changed.",
        "Read the sentence, mend it, and run the same command again.",
    ),
    failure(
        "move_differs",
        "What arrived is not what was sent; the source was not retired and the target was not opened.",
        "Keep the source in use, read what differs, and report it.",
    ),
    failure(
        "written_since_move",
        "The target is not as the move left it: going back would lose what was written there.",
        "Go on with the target; only an untouched one can be left again.",
    ),
    failure(
        "books_not_open",
        "No live service has read the exchange yet, so there is nothing to compare.",
        "Start `hedge-service serve` without dry run and wait for `/ready`.",
    ),
    failure(
        "not_allowed",
        "The act is not possible as things stand; nothing was changed.",
        "Read the sentence: it names the state that forbids it.",
    ),
    failure(
        "overdrawn",
        "The wallet holds less than was to be paid out; nothing was booked.",
        "Check the amount and earlier payouts.",
    ),
    failure(
        "moved_meanwhile",
        "What was decided about has changed in the meantime; nothing was done.",
        "Look at it again and decide anew.",
    ),
    failure(
        "port_in_use",
        "The service can't listen at its address.",
        "Stop what listens there, or set `[service] port` or `[ops] port`.",
    ),
    failure(
        "no_ops_token",
        "The operators' page is closed: there is no token.",
        "Set `HEDGE_OPS_TOKEN` to name:secret (16 signs or more) and start the service again.",
    ),
    failure(
        "backup_failed",
        "No copy of the database was made; nothing at the target was changed.",
        "Give a file that does not exist yet, on a disk with room, and run it again.",
    ),
    failure(
        "log_unreadable",
        "The log file can't be read.",
        "Check its path and permissions.",
    ),
)

DIFFERENCES: tuple[Failure, ...] = (
    failure(
        "foreign_order",
        "The exchange holds an order of ours that this database does not know: restored or foreign.",
        "Put the newer database back; if there is none, `hedge-service resume --reason` accepts it by id.",
    ),
    failure("trade_of_others", "An order that this service did not place traded in its subaccount.", COMPARE),
    failure("order_missing", "The exchange does not show an order that it accepted.", COMPARE),
    failure("order_differs", "An order's figures are not the exchange's.", COMPARE),
    failure("fill_not_booked", "The exchange shows an execution that is not in the ledger.", COMPARE),
    failure("fill_missing", "The ledger holds an execution that the exchange does not show.", COMPARE),
    failure("fill_differs", "An execution's figures are not the exchange's.", COMPARE),
    failure("position_differs", "A position is not the exchange's.", COMPARE),
    failure("settlement_not_booked", "The exchange settled a market that is not booked.", COMPARE),
    failure("settlement_differs", "A settlement's figures are not the exchange's.", COMPARE),
)

LINES: tuple[Failure, ...] = (
    failure(
        "service_failed",
        "The process ends by a fault, or can't start.",
        "Read `reason` or the traceback; start again once its cause is gone. Nothing is sent twice.",
    ),
    failure(
        "request_failed",
        "A request ended by a fault of ours or of the database.",
        "Read `code` and the traceback.",
    ),
    failure(
        "webhook_unreadable",
        "A verified event of Stripe can't be read; it stays in the inbox.",
        "Look at it in Stripe's dashboard; `hedge-service replay` handles it anew after an upgrade.",
    ),
    failure(
        "payment_parked",
        "A payment buys nothing, or something happened to its money.",
        "Read its reason below or in `hedge-service parked`.",
    ),
    failure(
        "dispute_opened",
        "A payer's bank takes a payment back.",
        "Answer it in Stripe's dashboard; the claim waits.",
    ),
    failure(
        "order_parked",
        "An order's outcome was not proved within its window; its cost stays reserved.",
        'Follow README\'s "Resolving a parked order"; it ends by itself if the exchange shows it.',
    ),
    failure(
        "fill_anomalous",
        "An execution came for an order that had ended; it is booked.",
        "Compare the order with the exchange's page; figures follow the execution.",
    ),
    failure(
        "sending_halted",
        "Sending is stopped until a person resumes it.",
        "Read the reason, look at `hedge-service status`, then `hedge-service resume --reason`.",
    ),
    failure(
        "reconciliation_mismatched",
        "Our books and the exchange's differ, seen twice; sending is halted.",
        "Read each difference by its kind, then `hedge-service reconcile` and `resume`.",
    ),
    failure(
        "settlement_differed",
        "The exchange paid another amount for a market than was booked.",
        "Compare the market's page with both figures; report it to the exchange or here.",
    ),
    failure(
        "log_emitted",
        "A library told of an error, or nobody caught an exception.",
        "Read its message; report it if it comes again.",
    ),
    failure("log_dropped", "Lines of the log were lost.", "Free the disk or the pipe that takes the log."),
    failure(
        "log_closed", "The log's reader has gone; orders go on unseen.", "Start the service's log again."
    ),
)
