"""Stripe's `expand[]`: ids replaced by the objects they name.

https://docs.stripe.com/api/expanding_objects
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from hedge_service.sandbox.stripe.errors import invalid

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Json
    from hedge_service.sandbox.stripe.books import Books


def expanded(books: Books, reply: Json, paths: list[str]) -> Json:
    """Copy a reply with the named fields expanded. Raises StripeError (400) for a field that cannot be."""
    copied = deepcopy(reply)
    for path in paths:
        _expand(books, copied, path.split("."), path)
    return copied


def _expand(books: Books, node: Json, steps: list[str], path: str) -> None:
    name, rest = steps[0], steps[1:]
    if name == "line_items" and node.get("object") == "checkout.session":
        node[name] = line_item_list(books, node["id"])
    if name not in node:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(node[name], str):
        node[name] = deepcopy(_object_of(books, node[name], path))
    children = node[name] if isinstance(node[name], list) else [node[name]]
    for child in children:
        if rest and isinstance(child, dict):
            _expand(books, child, rest, path)


def _object_of(books: Books, item_id: str, path: str) -> Json:
    shelves = {
        "pi": books.payment_intents,
        "ch": books.charges,
        "txn": books.balance_transactions,
        "re": books.refunds,
        "dp": books.disputes,
    }
    shelf = shelves.get(item_id.split("_", maxsplit=1)[0])
    found = None if shelf is None else shelf.find(item_id)
    if found is None:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    return found


def line_item_list(books: Books, session_id: str) -> Json:
    """Give a session's line items as a Stripe list. Raises StripeError (404) for an unknown session."""
    books.sessions.get(session_id, param="session")
    return {
        "object": "list",
        "url": f"/v1/checkout/sessions/{session_id}/line_items",
        "data": books.line_items[session_id],
        "has_more": False,
    }
