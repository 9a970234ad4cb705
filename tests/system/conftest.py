"""A sandbox, a service on it and an extension, opened anew for each test that asks for them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedge_service.sandbox.credentials import generate_credentials
from tests.system.service_process import ProcessDesk
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.system.stage import Stage


@pytest.fixture(scope="session")
def rsa_credentials() -> dict[str, str]:
    """Give invented secrets with an RSA key, for the processes."""
    return generate_credentials()


@pytest.fixture(scope="session")
def credentials(rsa_credentials: dict[str, str]) -> dict[str, str]:
    """Give invented secrets with an Ed25519 key, which loads and signs faster."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {**rsa_credentials, "KALSHI_DEMO_PRIVATE_KEY": pem.decode().strip().replace("\n", "\\n")}


@pytest.fixture
def stage_with(
    tmp_path: Path, credentials: dict[str, str]
) -> Callable[..., AbstractAsyncContextManager[Stage]]:
    """Give `open_stage`, which still wants the knobs that differ."""
    return partial(open_stage, tmp_path, credentials)


@pytest.fixture
async def stage(tmp_path: Path, credentials: dict[str, str]) -> AsyncIterator[Stage]:
    """Give a service that places orders on the sandbox, in this test's own loop."""
    async with open_stage(tmp_path, credentials, {}) as opened:
        yield opened


@pytest.fixture
async def desk(tmp_path: Path, rsa_credentials: dict[str, str]) -> AsyncIterator[ProcessDesk]:
    """Give a sandbox and a way to start services as processes of their own in one folder."""
    async with ProcessDesk.opened(tmp_path, rsa_credentials) as opened:
        yield opened
