"""Keys and request signatures: RSA-PSS with SHA-256 and Ed25519, told apart by the parsed key."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .errors import nested, unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"
DEFAULT_SCOPES: Final = ("read", "write::trade")
_SHA256: Final = hashes.SHA256()
_PSS: Final = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=padding.PSS.DIGEST_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A registered public key with its scopes; locked to one subaccount when that is set."""

    key_id: str
    public_key: RSAPublicKey | Ed25519PublicKey
    name: str = "sandbox key"
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    subaccount: int | None = None

    def wire(self) -> dict[str, Any]:
        """Write ApiKey of the spec."""
        row = {"api_key_id": self.key_id, "name": self.name, "scopes": list(self.scopes)}
        return row if self.subaccount is None else {**row, "subaccount": self.subaccount}

    def allows(self, *, write: bool) -> bool:
        """Say whether the scopes cover reading, or trading."""
        return bool({"write", "write::trade"} & set(self.scopes)) if write else "read" in self.scopes

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Check a signature over the pre-sign text."""
        try:
            if isinstance(self.public_key, RSAPublicKey):
                self.public_key.verify(signature, message, _PSS, _SHA256)
            else:
                self.public_key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def public_key_of(pem: str) -> RSAPublicKey | Ed25519PublicKey:
    """Parse a PEM public key. Raises ValueError when it is neither RSA nor Ed25519."""
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise ValueError("the key is neither RSA nor Ed25519")  # noqa: TRY004 - bad input, not a bad call
    return key


@dataclass(slots=True, kw_only=True)
class KeyRing:
    """The keys of the account, by id."""

    keys: dict[str, ApiKey] = field(default_factory=dict)

    def register(self, key: ApiKey) -> None:
        """Add a key, or replace the one of that id."""
        self.keys[key.key_id] = key

    def authenticate(
        self, headers: Mapping[str, str], *, method: str, path: str, now_s: float, window_s: float
    ) -> ApiKey:
        """Give the key that signed this request.

        `path` is the raw path without the query. Raises ApiError 401 in the nested shape.
        """
        key = self.keys.get(_header(headers, KEY_HEADER, "key"))
        timestamp = _header(headers, TIMESTAMP_HEADER, "timestamp")
        signature = _header(headers, SIGNATURE_HEADER, "signature")
        if key is None:
            raise unauthorized("authentication_error", "NOT_FOUND")
        _check_clock(timestamp, now_s, window_s)
        if not key.verifies(_decoded(signature), f"{timestamp}{method}{path}".encode()):
            raise unauthorized("authentication_error", "INCORRECT_API_KEY_SIGNATURE")
        return key


def authorize(key: ApiKey, *, write: bool, subaccount: int | None) -> None:
    """Check a key's scope and subaccount. Raises ApiError 403."""
    if not key.allows(write=write):
        raise nested(
            HTTPStatus.FORBIDDEN, "permission_denied", "this API key lacks the scope for this endpoint"
        )
    if key.subaccount is not None and subaccount != key.subaccount:
        message = "this API key is restricted to a single sub-account and cannot access this endpoint"
        raise nested(HTTPStatus.FORBIDDEN, "permission_denied", message)


def _header(headers: Mapping[str, str], name: str, noun: str) -> str:
    value = headers.get(name)
    if value is None or value == "":
        raise unauthorized(f"{noun}_is_missing_from_headers")
    return value


def _check_clock(timestamp: str, now_s: float, window_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("1703123456789") + 1):
        raise unauthorized("authentication_error", "INVALID_TIMESTAMP")
    if abs(int(timestamp) / 1_000 - now_s) > window_s:
        raise unauthorized("header_timestamp_expired")


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise unauthorized("authentication_error", "INCORRECT_API_KEY_SIGNATURE") from None
