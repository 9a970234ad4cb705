"""Reading the account's limits and keys, and the exchange's own state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.pacing import AccountLimits, BucketLimit, EndpointCosts
from hedge_service.core.venue import ApiKeyInfo, ApiKeys, ExchangeStatus, HistoricalCutoff, ShardStatus
from hedge_service.wire.kalshi import fields
from hedge_service.wire.kalshi.errors import Unreadable

if TYPE_CHECKING:
    from datetime import datetime


def limits(payload: fields.Row) -> AccountLimits:
    """Read GetAccountApiLimitsResponse. Raises Unreadable."""
    return AccountLimits(
        tier=fields.text(payload, "usage_tier").lower(),
        read=_bucket(fields.member(payload, "read")),
        write=_bucket(fields.member(payload, "write")),
    )


def endpoint_costs(payload: fields.Row) -> EndpointCosts:
    """Read GetAccountEndpointCostsResponse. Raises Unreadable."""
    costs = {
        (fields.text(row, "method"), fields.text(row, "path")): fields.whole(row, "cost")
        for row in fields.rows(payload, "endpoint_costs")
    }
    return EndpointCosts.table(fields.whole(payload, "default_cost"), costs)


def exchange_status(payload: fields.Row) -> ExchangeStatus:
    """Read ExchangeStatus; 500, 503 and 504 may carry it too. Raises Unreadable."""
    listed = payload.get("exchange_index_statuses")
    parts = [] if listed is None else fields.rows(payload, "exchange_index_statuses")
    return ExchangeStatus(
        exchange_active=fields.flag(payload, "exchange_active"),
        trading_active=fields.flag(payload, "trading_active"),
        shards={fields.whole(part, "exchange_index"): _shard_status(part) for part in parts},
        resume_time=fields.maybe(fields.moment, payload, "exchange_estimated_resume_time"),
    )


def user_data_timestamp(payload: fields.Row) -> datetime:
    """Read as of when orders, fills, positions and cash are told. Raises Unreadable."""
    return fields.moment(payload, "as_of_time")


def historical_cutoff(payload: fields.Row) -> HistoricalCutoff:
    """Read GetHistoricalCutoffResponse. Raises Unreadable."""
    return HistoricalCutoff(
        market_settled=fields.moment(payload, "market_settled_ts"),
        trades_created=fields.moment(payload, "trades_created_ts"),
        orders_updated=fields.moment(payload, "orders_updated_ts"),
    )


def api_keys(payload: fields.Row) -> ApiKeys:
    """Read GetApiKeysResponse. Raises Unreadable."""
    return ApiKeys(
        keys=tuple(_key(row) for row in fields.rows(payload, "api_keys")),
        region_expiration=fields.maybe(fields.unix_seconds, payload, "api_key_region_expiration_ts"),
    )


def _key(row: fields.Row) -> ApiKeyInfo:
    scopes = row.get("scopes")
    if not isinstance(scopes, list):
        raise Unreadable("scopes is not a list")
    return ApiKeyInfo(
        key_id=fields.text(row, "api_key_id"),
        scopes=frozenset(str(scope) for scope in scopes),
        subaccount=fields.maybe(fields.whole, row, "subaccount"),
    )


def _bucket(row: fields.Row) -> BucketLimit:
    try:
        return BucketLimit(
            refill_rate=fields.whole(row, "refill_rate"), capacity=fields.whole(row, "bucket_capacity")
        )
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable("the bucket limit is not positive") from None


def _shard_status(part: fields.Row) -> ShardStatus:
    return ShardStatus(
        exchange_active=fields.flag(part, "exchange_active"),
        trading_active=fields.flag(part, "trading_active"),
    )
