"""The description of the interface for programs, made from the tables that the routes are made from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hedge_service.web.ops.acts import ACTS
from hedge_service.web.ops.api import READS
from hedge_service.web.ops.read_schemas import SCHEMAS
from hedge_service.web.ops.schemas import Schema, anything, ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.web.ops.fields import Field

PREFIX = "/ops/api"
REFUSALS: Mapping[int, str] = {
    400: "The request is malformed or breaks a rule",
    401: "The bearer token is absent or nobody's",
    403: "The caller may not do this",
    404: "There is no such thing",
    409: "Not possible as things stand; nothing was changed",
    413: "The body is too large",
    415: "The body is of another kind than JSON",
    429: "Too many wrong tokens; `Retry-After` says when to try again",
    502: "The exchange or the payment service can't be asked",
    503: "Closed, or the database is busy",
}
OF_ACTS = frozenset({413, 415})
DESCRIPTION = (
    "What operators see and do, for programs. Money, prices and counts are exact text; times are ISO 8601 in "
    "UTC; lists come in pages. Every act is kept in the audit with the name that belongs to the token."
)


def path_names(path: str) -> frozenset[str]:
    """Give the names in a path's braces."""
    return frozenset(re.findall(r"\{([a-z_]+)\}", path))


def document(version: str) -> dict[str, Any]:
    """Give the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "hedge-service operators", "version": version, "description": DESCRIPTION},
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "One of HEDGE_OPS_TOKEN."}
            },
        },
    }


def _paths() -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for read in READS:
        operation = _operation(read.name, read.summary, read.result, acts=False)
        operation["parameters"] = [_parameter(field, read.path) for field in read.fields]
        paths.setdefault(PREFIX + read.path, {})["get"] = operation
    for act in ACTS:
        named = path_names(act.path)
        operation = _operation(f"act-{act.name}", act.summary, act.result, acts=True)
        operation["parameters"] = [_parameter(field, act.path) for field in act.fields if field.name in named]
        operation["requestBody"] = _body([field for field in act.fields if field.name not in named])
        paths.setdefault(PREFIX + act.path, {})["post"] = operation
    own = _operation("openapi", "This document", anything("OpenAPI 3.1"), acts=False)
    return paths | {f"{PREFIX}/openapi.json": {"get": own | {"parameters": []}}}


def _operation(name: str, summary: str, result: Schema, *, acts: bool) -> dict[str, Any]:
    refused = {status: why for status, why in REFUSALS.items() if acts or status not in OF_ACTS}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _answer("Done" if acts else "Found", result)}
        | {str(status): _answer(why, ref("Error")) for status, why in refused.items()},
    }


def _answer(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _parameter(field: Field, path: str) -> dict[str, Any]:
    inside = field.name in path_names(path)
    return {
        "name": field.name,
        "in": "path" if inside else "query",
        "required": inside or field.required,
        "schema": field.schema(),
    }


def _body(fields: list[Field]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {field.name: field.schema() for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}
