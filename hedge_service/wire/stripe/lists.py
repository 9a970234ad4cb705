"""Pages of Stripe's lists.

https://docs.stripe.com/api/pagination
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hedge_service.wire.stripe import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page; `next_after` is the cursor of the next one, None on the last."""

    items: tuple[T, ...]
    next_after: str | None


def read_page(body: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]) -> Page[T]:
    """Read a page with `read` for each item.

    Raises BadObject: also for an empty page that promises more, since a list cut short must not pass for all.
    """
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise fields.BadObject("data is not a list of objects")
    more = fields.flag(body, "has_more")
    if more and not data:
        raise fields.BadObject("an empty page promises more")
    return Page(
        items=tuple(read(item) for item in data), next_after=fields.text(data[-1], "id") if more else None
    )
