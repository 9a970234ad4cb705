"""A collection of one kind of Stripe object, listed newest first with cursors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.sandbox.stripe.errors import StripeError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hedge_service.sandbox.control import Json
    from hedge_service.sandbox.stripe.params import Params

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}
_MAX_LIMIT = 100


class Shelf:
    """Hold the objects of one kind, by id, in the order they were made."""

    def __init__(self, noun: str, *, url: str, filters: Iterable[str] = ()) -> None:
        self.noun = noun
        self.url = url
        self.filters = tuple(filters)
        self._items: dict[str, Json] = {}

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Json) -> Json:
        """Put a new object in its place."""
        self._items[item["id"]] = item
        return item

    def find(self, item_id: str) -> Json | None:
        """Give the object, or None."""
        return self._items.get(item_id)

    def get(self, item_id: str, *, param: str = "id") -> Json:
        """Give the object. Raises StripeError (404 resource_missing)."""
        item = self._items.get(item_id)
        if item is None:
            message = f"No such {self.noun}: '{item_id[:200]}'"
            raise StripeError(404, message, code="resource_missing", param=param)
        return item

    def newest_first(self) -> list[Json]:
        """Give all objects, the newest first."""
        return list(reversed(self._items.values()))

    def page(self, params: Params, *, keep: Callable[[Json], bool] = lambda _: True) -> Json:
        """Give one page of the list, filtered and cut by the request's parameters.

        https://docs.stripe.com/api/pagination
        """
        limit = _limit(params)
        chosen = [item for item in self.newest_first() if keep(item) and self._matches(item, params)]
        chosen, backwards = self._after_cursor(chosen, params)
        cut = chosen[-limit:] if backwards else chosen[:limit]
        return {"object": "list", "url": self.url, "data": cut, "has_more": len(chosen) > limit}

    def _matches(self, item: Json, params: Params) -> bool:
        wanted = {name: params.text(name) for name in self.filters}
        return _created_within(item, params) and all(
            value is None or item[name] == value for name, value in wanted.items()
        )

    def _after_cursor(self, chosen: list[Json], params: Params) -> tuple[list[Json], bool]:
        order = {item["id"]: place for place, item in enumerate(self.newest_first())}
        after, before = params.text("starting_after"), params.text("ending_before")
        for name, cursor in (("starting_after", after), ("ending_before", before)):
            if cursor is not None and cursor not in order:
                raise invalid(f"No such {self.noun}: '{cursor[:200]}'", param=name, code="resource_missing")
        if after is not None:
            chosen = [item for item in chosen if order[item["id"]] > order[after]]
        if before is not None:
            chosen = [item for item in chosen if order[item["id"]] < order[before]]
        return chosen, before is not None and after is None


def _limit(params: Params) -> int:
    limit = params.integer("limit")
    if limit is None:
        return 10
    if not 1 <= limit <= _MAX_LIMIT:
        raise invalid("The limit must be between 1 and 100.", param="limit")
    return limit


def _created_within(item: Json, params: Params) -> bool:
    if not isinstance(params.fields.get("created"), dict):
        exact = params.integer("created")
        return exact is None or item["created"] == exact
    bounds = params.section("created")
    bounds.only(_COMPARE)
    wanted = {name: bounds.integer(name) for name in bounds.fields}
    return all(bound is None or _COMPARE[name](item["created"], bound) for name, bound in wanted.items())
