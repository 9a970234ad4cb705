from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hedge_service.config import Config, load_config
from hedge_service.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Load(Protocol):
    def __call__(
        self, toml: str = "", *, env: Mapping[str, str] | None = None, dotenv: str = "", live: bool = False
    ) -> Config: ...


class Refuse(Protocol):
    def __call__(
        self, toml: str = "", *, env: Mapping[str, str] | None = None, dotenv: str = "", live: bool = False
    ) -> tuple[str, ...]: ...


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a configuration from a text, variables and a `.env`, in a folder of its own."""

    def do(
        toml: str = "", *, env: Mapping[str, str] | None = None, dotenv: str = "", live: bool = False
    ) -> Config:
        (tmp_path / "config.toml").write_text(toml, encoding="utf-8")
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        return load_config(path=None, environ={} if env is None else env, cwd=tmp_path, live=live)

    return do


@pytest.fixture
def refuse(load: Load) -> Refuse:
    """Load a configuration that must be refused; give its problems."""

    def do(
        toml: str = "", *, env: Mapping[str, str] | None = None, dotenv: str = "", live: bool = False
    ) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            load(toml, env=env, dotenv=dotenv, live=live)
        return caught.value.problems

    return do


def _pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def ed25519_pem() -> str:
    return _pem(ed25519.Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def rsa_pem() -> str:
    return _pem(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="session")
def short_rsa_pem() -> str:
    return _pem(rsa.generate_private_key(65537, 1024))  # noqa: S505 - the one to be refused


@pytest.fixture(scope="session")
def curve_pem() -> str:
    return _pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def keys(ed25519_pem: str) -> dict[str, str]:
    return {"KALSHI_DEMO_API_KEY": "demo-key-id", "KALSHI_DEMO_PRIVATE_KEY": ed25519_pem}
