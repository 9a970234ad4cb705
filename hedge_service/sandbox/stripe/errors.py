"""Stripe's error shape.

https://docs.stripe.com/api/errors
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Json


class StripeError(Exception):
    """A refusal as Stripe words it, with its HTTP status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param

    def body(self) -> Json:
        """Give the JSON body, without the fields that do not apply."""
        fields = {"type": self.kind, "code": self.code, "message": self.message, "param": self.param}
        return {"error": {name: value for name, value in fields.items() if value is not None}}


def invalid(message: str, *, param: str, code: str | None = None) -> StripeError:
    """Make the 400 of a bad parameter."""
    return StripeError(400, message, code=code, param=param)
