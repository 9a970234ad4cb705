"""What was found, judged: pure functions, one for each check."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.checks.findings import Judgement, fail, good, warn
from hedge_service.config import Config, Environment, Mode, RateSource, StripeMode
from hedge_service.config.addresses import host_of, is_loopback
from hedge_service.core.money import Money
from hedge_service.store.migrate import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from hedge_service.core.pacing import AccountLimits
    from hedge_service.core.venue import ApiKeys, Balance, ExchangeStatus
    from hedge_service.wire.kalshi.schedule import Maintenance

# The exchange's Date header has whole seconds; a signature that is 5 s old was refused.
CLOCK_WARN_S, CLOCK_FAIL_S = 2.0, 5.0
SOON = timedelta(days=1)
ATTESTATION_SOON = timedelta(days=7)
NEEDS_KEY = warn("not looked at: there is no key", "Give the exchange's key; orders need it.")


def configuration(config: Config) -> Judgement:
    """Tell what would run; contradictions have ended the command before."""
    kalshi = config.kalshi
    file = "no file, defaults" if config.file is None else str(config.file)
    found = (
        f"{config.mode.value} on {kalshi.environment.value}, strategy {config.hedging.strategy.value}; {file}"
    )
    if config.mode is Mode.LIVE and kalshi.environment is Environment.PRODUCTION:
        return warn(f"REAL ORDERS: {found}", "Start it with `hedge-service serve --live` if that is meant.")
    return good(found)


def missing_database(path: Path, *, folder_writable: bool) -> Judgement:
    """Judge a database that is not there."""
    if not folder_writable:
        return fail(
            f"{path}: its folder is missing or can't be written", "Make the folder, or change [database] url."
        )
    return warn(
        f"there is none at {path}", "`hedge-service serve` makes it. Not the first start? Check the path."
    )


def closed_database(why: str) -> Judgement:
    """Judge a database that a move has closed."""
    return fail(why, "Set [database] url to the database that it was moved to, or finish the move.")


def database(
    standing: Standing, wrong: Mapping[str, tuple[str, str]], halt: str | None, other_mode: str | None
) -> Judgement:
    """Judge a database by its schema, its owner, its halt, and a sender in another mode."""
    if standing is Standing.NEWER:
        return fail(
            "it is of a newer version of the service", "Install that version, or restore a copy from before."
        )
    if wrong:
        told = ", ".join(f"{name} {stored!r}, not {wanted!r}" for name, (stored, wanted) in wrong.items())
        return fail(
            f"it belongs to {told}", "Use another [database] url; a database never changes its owner."
        )
    if halt is not None:
        return warn(
            f"sending is halted: {halt}", "`hedge-service resume --reason ...` once its cause is gone."
        )
    if other_mode is not None:
        return warn(f"the service that runs on it is in mode {other_mode}", "Restart it with these settings.")
    if standing is not Standing.CURRENT:
        return warn(
            f"its schema is {standing.value}", "Back it up, then `hedge-service migrate`; serve does it, too."
        )
    return good("schema current, belongs to this account")


def clock(offset_s: float) -> Judgement:
    """Judge how far the exchange's clock is ahead of ours."""
    found = f"{abs(offset_s):.1f} s {'behind' if offset_s > 0 else 'ahead of'} the exchange's"
    if abs(offset_s) >= CLOCK_FAIL_S:
        return fail(found, "Set the clock by NTP: the exchange refuses such signatures.")
    if abs(offset_s) >= CLOCK_WARN_S:
        return warn(found, "Set the clock by NTP before it drifts further.")
    return good(found)


def no_key(config: Config) -> Judgement:
    """Judge that there is no key: a dry run needs none, and the configuration refuses it otherwise."""
    return warn(
        f"none for {config.kalshi.environment.value}",
        "A dry run works without; orders need key and private key.",
    )


def key_refused(kind: str, http_status: int, refusal: str) -> Judgement:
    """Judge a refusal of a signed read."""
    return fail(
        f"{kind} key: the exchange refuses it ({http_status} {refusal})".rstrip(),
        "Check that key id and private key belong together, and to this environment; see also the clock.",
    )


def pace(limits: AccountLimits, order_cost: int, config: Config) -> Judgement:
    """Judge tier and costs."""
    rate = config.kalshi.rate_limit
    per_s = limits.write.refill_rate / order_cost
    found = (
        f"tier {limits.tier}: {limits.read.refill_rate} read and {limits.write.refill_rate} write tokens "
        f"a second; an order costs {order_cost}, so {per_s:g} orders a second"
    )
    if rate.source is RateSource.TIER and rate.tier.value != limits.tier:
        return warn(
            found, f"[kalshi.rate_limit] tier says {rate.tier.value}: correct it, or set source to account."
        )
    return good(found)


def balance(seen: Balance, config: Config) -> Judgement:
    """Judge the cash against what a day may spend."""
    cap = config.limits.max_day_hedge_dollars
    shards = (
        ""
        if seen.shards is None
        else "; " + ", ".join(f"shard {index}: ${money}" for index, money in sorted(seen.shards.items()))
    )
    found = f"${seen.cash} in subaccount {config.kalshi.subaccount}{shards}"
    if seen.cash <= Money.ZERO:
        todo = "Fund the shards of your markets; orders can't be paid."
        return fail(found, todo) if config.mode is Mode.LIVE else warn(found, todo)
    if cap > seen.cash:
        return warn(
            found, f"A day may spend ${cap} on hedges: lower limits.max_day_hedge_dollars or add cash."
        )
    empty = [str(index) for index, money in (seen.shards or {}).items() if money <= Money.ZERO]
    if empty:
        return warn(found, f"Shard {', '.join(empty)} is empty: orders for its markets can't be paid.")
    return good(found)


def attestation(keys: ApiKeys, now: datetime) -> Judgement:
    """Judge until when the keys may trade markets that need a location attestation."""
    until = keys.region_expiration
    todo = "Attest the location on the exchange's site: without it sports and other markets are refused."
    if until is None:
        return warn("the exchange tells of none", todo)
    if until <= now:
        return fail(f"expired on {until:%Y-%m-%d %H:%M} UTC", todo)
    found = f"until {until:%Y-%m-%d %H:%M} UTC"
    return warn(found, todo) if until - now < ATTESTATION_SOON else good(found)


def permissions(keys: ApiKeys, key_id: str, config: Config) -> Judgement:
    """Judge what the key may do, and on which subaccount."""
    key = keys.of(key_id)
    if key is None:
        return warn("the exchange does not list this key", "Look at the key's page at the exchange.")
    if key.subaccount is not None and key.subaccount != config.kalshi.subaccount:
        return fail(
            f"the key is bound to subaccount {key.subaccount}",
            f"[kalshi] subaccount is {config.kalshi.subaccount}: change it, or use another key.",
        )
    scopes = ", ".join(sorted(key.scopes))
    if key.scopes.isdisjoint({"write", "write::trade"}):
        todo = "Make a key with write access; this one can't place orders."
        return fail(scopes, todo) if config.mode is Mode.LIVE else warn(scopes, todo)
    return good(scopes)


def exchange(status: ExchangeStatus) -> Judgement:
    """Judge whether the exchange trades now."""
    shards = tuple(status.shards) or (0,)
    closed = [str(shard) for shard in sorted(shards) if not status.trading_on(shard)]
    if not closed:
        return good("open, trading on every shard")
    back = "" if status.resume_time is None else f"; expected back {status.resume_time:%Y-%m-%d %H:%M} UTC"
    if len(closed) == len(shards):
        return warn(f"no trading now{back}", "Wait; quotes are refused until it trades.")
    return warn(f"no trading on shard {', '.join(closed)}{back}", "Markets there wait; the others trade.")


def maintenance(windows: Sequence[Maintenance], now: datetime) -> Judgement:
    """Judge the next announced maintenance."""
    coming = [window for window in windows if window.end > now]
    if not coming:
        return good("none announced")
    first = coming[0]
    found = f"{first.start:%Y-%m-%d %H:%M} to {first.end:%Y-%m-%d %H:%M} UTC"
    if first.start - now < SOON:
        return warn(found, "Expect unknown orders if you sell until it begins; go live after it.")
    return good(f"next: {found}")


def payments(config: Config, *, read: bool) -> Judgement:
    """Judge the payment service's key; that its mode fits the environment is the configuration's rule."""
    mode = config.secrets.stripe_mode
    if mode is None:
        return warn("no key", "Set STRIPE_API_KEY; until then checkouts answer 503.")
    if not read:
        return warn(f"{mode.value} key, not asked", "Run the check again.")
    if mode is StripeMode.LIVE and config.mode is Mode.DRY_RUN:
        return warn("live key, accepted", "A dry run with a live key opens no checkout.")
    return good(f"{mode.value} key, accepted")


def operators(config: Config) -> Judgement:
    """Judge who may come to the operators' listener."""
    names = ", ".join(sorted({token.name for token in config.secrets.ops_tokens}))
    if not names:
        return warn("closed: there is no token", "Set HEDGE_OPS_TOKEN to name:secret to open the page.")
    if not is_loopback(config.ops.host):
        return warn(
            f"open to {names} on {config.ops.host}",
            "Bind it to loopback, or put TLS before it; never publish it.",
        )
    return good(f"open to {names}, on loopback")


def address(config: Config) -> Judgement:
    """Judge where payers are sent back to."""
    url = config.service.public_url
    local = is_loopback(host_of(url))
    if config.kalshi.environment is Environment.PRODUCTION and local:
        return warn(
            f"{url}: only this machine", "Set [service] public_url to what payers' browsers can reach."
        )
    if not local and not url.startswith("https://"):
        return warn(f"{url}: not encrypted", "Put a proxy with TLS before it and use its https address.")
    return good(url)


def edge(stake: Money, profit: Money, strategy: str) -> Judgement:
    """Judge the house's expected profit of the classic parlay."""
    told = f"-${-profit}" if profit < Money.ZERO else f"${profit}"
    found = f"{told} expected of a ${stake} parlay at 43, 52 and 65 % ({strategy})"
    if profit < Money.ZERO:
        return warn(
            found, "Such a parlay loses on average: set pricing.minimum_edge, or lower pricing.payout_share."
        )
    return good(found)
