"""Tests in a real browser: skipped by name where there is none."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedge_service.sandbox.credentials import generate_credentials
from tests.browser.chrome import found


@pytest.fixture(scope="session", autouse=True)
def _browser() -> None:
    pytest.importorskip("playwright", reason="playwright is not installed: no test in a browser is run")
    if found() is None:
        pytest.skip("no Chromium is installed (apt-get install chromium): no test in a browser is run")


@pytest.fixture(scope="session")
def credentials() -> dict[str, str]:
    """Give invented secrets with an Ed25519 key, which is made at once."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = pem.decode().strip().replace("\n", "\\n")
    return {**generate_credentials(), "KALSHI_DEMO_PRIVATE_KEY": key}
