"""What a signed request says: the bytes under the signature, and the headers that carry it."""

from __future__ import annotations

KEY_HEADER = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"


def presign(timestamp_ms: int, method: str, path: str) -> bytes:
    """Give the bytes to sign: milliseconds, METHOD, path as sent (prefix included, query excluded).

    Raises ValueError for a path that carries a query: its signature would be refused.
    """
    if not path.startswith("/") or "?" in path or "#" in path:
        raise ValueError("the path to sign starts at the root and has no query")
    return f"{timestamp_ms}{method.upper()}{path}".encode()


def signed_headers(*, key_id: str, timestamp_ms: int, signature: str) -> dict[str, str]:
    """Give the three headers of a signed request; `signature` is standard base64."""
    return {KEY_HEADER: key_id, TIMESTAMP_HEADER: str(timestamp_ms), SIGNATURE_HEADER: signature}
