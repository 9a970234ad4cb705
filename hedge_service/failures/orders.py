"""Why an order waits, is not sent, or is not planned at all."""

from __future__ import annotations

from hedge_service.failures.declare import Failure, failure

WAITS = "It waits as long as the intent's time lasts (`intent_ttl_s`)."

LOCKS: tuple[Failure, ...] = (
    failure("exchange_status_stale", "The exchange's status was not read lately.", WAITS),
    failure("region_attestation_stale", "The location attestation was not read lately.", WAITS),
    failure("market_stale", "The market was not read lately.", WAITS),
    failure("balance_stale", "The balance was not read lately.", WAITS),
    failure("market_paused", "The market is paused.", WAITS),
    failure(
        "insufficient_balance",
        "The market's shard holds too little cash for the order, open ones counted.",
        "Move cash to the shard that `detail` names, then `hedge-service rehedge`.",
    ),
    failure(
        "region_attestation_expired",
        "The account's location attestation has ended.",
        "Attest again at the exchange, then `hedge-service rehedge` what was not sent.",
    ),
    failure(
        "attempts_used",
        "The intent has used its `max_attempts`.",
        "What is left goes by `on_unhedged`; `hedge-service rehedge` orders it anew.",
    ),
    failure(
        "more_than_planned",
        "Another attempt would buy more than was planned: an execution became known late.",
        "Nothing to do.",
    ),
    failure(
        "max_cost",
        "Another attempt could cost more than was reserved for the intent.",
        "Nothing to do; `hedge-service rehedge` plans the rest anew within the caps.",
    ),
    failure(
        "ttl_over",
        "The intent's time is over.",
        "What is left goes by `on_unhedged`; `hedge-service rehedge` orders it anew.",
    ),
    failure(
        "service_in_dry_run",
        "The parlay was taken while orders were sent, and the service is in dry run now.",
        "Set `dry_run = false` and start again, then `hedge-service rehedge`.",
    ),
    failure(
        "refused",
        "The exchange has certainly not placed the order.",
        "Read `code` and `reason` of `order.refused`; `hedge-service rehedge` orders it anew.",
    ),
    failure(
        "not_sent",
        "A planned attempt was given up.",
        "Read `reason` of `order.not_sent`.",
    ),
)

SKIPS: tuple[Failure, ...] = (
    failure("not_hedged", "The strategy leaves this leg open.", "Nothing to do."),
    failure("below_band", "The leg's chance is under the strategy's lowest band.", "Nothing to do."),
    failure(
        "below_one_contract",
        "The amount buys less than one lot.",
        "Nothing to do, or make lots smaller with `[hedging] contract_step`.",
    ),
    failure("no_depth", "The market's book holds nothing to buy at the limit.", "Nothing to do."),
    failure("later_leg", "A rolling hedge buys this leg only once the one before has hit.", "Nothing to do."),
    failure(
        "not_in_sequence",
        "The legs can't be hedged one after the other.",
        "Nothing to do; another strategy hedges them.",
    ),
    failure("no_limit_price", "There is no price to buy at within `max_slippage`.", "Nothing to do."),
    failure("order_cap", "The order would cost more than `max_order_dollars`.", "Raise the cap, or not."),
    failure(
        "parlay_cap",
        "The parlay's hedge would cost more than `max_parlay_hedge_dollars`.",
        "Raise the cap, or not.",
    ),
    failure(
        "day_cap",
        "Today's hedges would cost more than `max_day_hedge_dollars`.",
        "Raise the cap, or wait for the next day (UTC).",
    ),
    failure("not_wanted", "The sold plan holds nothing for this leg.", "Nothing to do."),
    failure("hedged", "The leg holds all that is wanted.", "Nothing to do."),
    failure(
        "under_way",
        "An order or a reconciliation is under way; another would count twice.",
        "Wait for its result, then ask again.",
    ),
)

ROLLS: tuple[Failure, ...] = (
    failure("no_news", "No leg has ended since the last roll.", "Nothing to do."),
    failure(
        "market_unknown", "The exchange did not tell of the market.", "Nothing to do: it is asked again."
    ),
    failure("result_disputed", "A leg's result is disputed.", "Nothing to do: it waits for the final one."),
    failure("result_unclear", "A leg's result can't be read as won or lost.", "Look at the market's page."),
    failure("no_ask", "Nobody offers the next leg now.", "Nothing to do: it is looked at again."),
    failure(
        "drift_guard",
        "The next leg asks more than the payout can bear with what the later legs still need.",
        "Decide by hand: `hedge-service rehedge`, or leave it.",
    ),
    failure("leg_missed", "A leg has missed: what is held for later legs is sold.", "Nothing to do."),
    failure("no_bid", "Nobody bids for what should be sold.", "Nothing to do: it is held to its result."),
    failure("one_leg", "A single leg has no order of legs.", "Nothing to do."),
    failure("no_expected_end", "The exchange does not say when a market ends.", "Nothing to do."),
    failure("ends_too_close", "Two legs end too close together.", "Nothing to do."),
    failure(
        "same_event", "Legs of one event depend on each other: they are not hedged in turn.", "Nothing to do."
    ),
    failure("closes_too_soon", "A later market closes before the one before it has ended.", "Nothing to do."),
    failure("over_order_cap", "A later leg could cost more than one order may.", "Nothing to do."),
)
