"""The error shapes of the wire: nested, flat, bare, and the plain 429."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class ApiError(Exception):
    """A refusal with its HTTP status and its exact JSON body."""

    def __init__(self, status: int, payload: dict[str, Any]) -> None:
        super().__init__(status, payload)
        self.status = status
        self.payload = payload


def nested(status: int, code: str, message: str | None = None, details: str | None = None) -> ApiError:
    """Make the shape of most errors: {"error": {"code", "message", "details"?}}."""
    error = {"code": code, "message": code.replace("_", " ").lower() if message is None else message}
    if details is not None:
        error["details"] = details
    return ApiError(status, {"error": error})


def flat(code: str, message: str, details: str = "") -> ApiError:
    """Make the shape of JSON decoding errors: {"code", "message", "details"}, status 400."""
    return ApiError(HTTPStatus.BAD_REQUEST, {"code": code, "message": message, "details": details})


def bare(message: str) -> ApiError:
    """Make the shape of parameter validation: {"msg"}, status 400."""
    return ApiError(HTTPStatus.BAD_REQUEST, {"msg": message})


def unauthorized(code: str, details: str | None = None) -> ApiError:
    """Make a 401: every one of them nested."""
    return nested(HTTPStatus.UNAUTHORIZED, code, details=details)


def not_found(code: str = "not_found") -> ApiError:
    """Make a 404."""
    return nested(HTTPStatus.NOT_FOUND, code)


def too_many_requests() -> ApiError:
    """Make the 429, which carries neither a code nor Retry-After."""
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, {"error": "too many requests"})


def code_of(payload: Any) -> str:
    """Give the code inside any of the shapes, for the sandbox's own record; empty when there is none."""
    if not isinstance(payload, dict):
        return ""
    error = payload.get("error", payload)
    return str(error.get("code", "")) if isinstance(error, dict) else str(error)
