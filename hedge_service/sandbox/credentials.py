"""Invented credentials for a service that talks to the sandbox."""

from __future__ import annotations

import os
import secrets
import uuid
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_RSA_BITS = 2048


def generate_credentials() -> dict[str, str]:
    """Make fresh secrets, by the names of the environment variables the service reads.

    The private key is one line: its line breaks are written as backslash and n.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "STRIPE_API_KEY": f"sk_test_{secrets.token_hex(24)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "OPENAI_API_KEY": f"sk-sandbox-{secrets.token_hex(24)}",
        "KALSHI_DEMO_API_KEY": str(uuid.uuid4()),
        "KALSHI_DEMO_PRIVATE_KEY": pem.strip().replace("\n", "\\n"),
    }


def kalshi_keys_of(credentials: Mapping[str, str]) -> dict[str, str]:
    """Give what the exchange must know of the credentials: key id -> public key in PEM."""
    pem = credentials["KALSHI_DEMO_PRIVATE_KEY"].replace("\\n", "\n")
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {credentials["KALSHI_DEMO_API_KEY"]: public.decode()}


def service_environment(credentials: Mapping[str, str], *, host: str, port: int) -> dict[str, str]:
    """Give the whole environment of a service that uses the sandbox at this address."""
    shown_host = f"[{host}]" if ":" in host else host
    base = f"http://{shown_host}:{port}"
    return {
        **credentials,
        "HEDGE_KALSHI__ENVIRONMENT": "sandbox",
        "HEDGE_KALSHI__BASE_URL": f"{base}/trade-api/v2",
        "HEDGE_STRIPE__API_BASE": base,
        "HEDGE_OPENAI__BASE_URL": f"{base}/v1",
    }


def write_env_file(path: Path, env: Mapping[str, str]) -> None:
    """Write variables as `NAME="value"` lines into a file that only its owner may read.

    Raises ValueError for a value that does not fit on such a line.
    """
    for name, value in env.items():
        if any(sign in value for sign in '"\n\r'):
            raise ValueError(f"{name} does not fit on one line of an environment file")
    lines = "".join(f'{name}="{value}"\n' for name, value in env.items())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        # A file that was there before keeps its old mode unless told.
        os.fchmod(file.fileno(), 0o600)
        file.write(lines)
