"""The exchange's own specification as a judge of requests and replies, where the file is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

if TYPE_CHECKING:
    from tests.clients.exchange_stub import Request

SPEC = Path(__file__).parents[2].parent / "shared" / "kalshi" / "openapi.yaml"
HOST = "http://exchange.test"
needs_spec = pytest.mark.skipif(not SPEC.exists(), reason="the exchange's openapi.yaml is not here")


def load_oracle() -> OpenAPI:
    spec = yaml.load(SPEC.read_bytes(), Loader=yaml.CSafeLoader)
    spec["servers"] = [{"url": f"{HOST}/trade-api/v2"}]
    return OpenAPI.from_dict(spec)


def judge(oracle: OpenAPI, request: Request) -> None:
    """Raise unless the specification allows this request."""
    oracle.validate_request(mock_request(request))


def judge_reply(oracle: OpenAPI, request: Request, payload: Any, status: int = 200) -> None:
    """Raise unless the specification allows this reply to this request."""
    response = MockResponse(data=orjson.dumps(payload), status_code=status, content_type="application/json")
    oracle.validate_response(mock_request(request), response)


def unknown_parameters(oracle: OpenAPI, request: Request) -> set[str]:
    """Give the query parameters that the specification does not know for this request."""
    unmarshalled = oracle.unmarshal_request(mock_request(request))
    return set(dict(_query(request))) - set(unmarshalled.parameters.query)


def mock_request(request: Request) -> MockRequest:
    return MockRequest(
        HOST,
        request.method.lower(),
        request.target.split("?")[0],
        args=dict(_query(request)),
        headers=request.headers,
        data=request.body,
        content_type=request.headers.get("Content-Type", "application/json"),
    )


def _query(request: Request) -> list[tuple[str, str]]:
    _, _, query = request.target.partition("?")
    return parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
