from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedge_service.clients.kalshi.signer import Signer, load_key
from hedge_service.errors import ConfigError

PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8
RSA = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
ED25519 = Ed25519PrivateKey.generate()
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


def pem(
    key: rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    form: serialization.PrivateFormat = PKCS8,
    password: bytes | None = None,
) -> str:
    lock: serialization.KeySerializationEncryption = (
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    )
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


@pytest.mark.parametrize("form", [PKCS1, PKCS8])
async def test_an_rsa_key_signs_with_pss_in_either_container(form: serialization.PrivateFormat) -> None:
    signer = Signer(key_id="k", pem="\n" + pem(RSA, form))
    signature = base64.b64decode(await signer.sign_aside(b"text"), validate=True)
    RSA.public_key().verify(signature, b"text", PSS, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        RSA.public_key().verify(signature, b"other", PSS, hashes.SHA256())
    signer.close()


async def test_an_ed25519_key_is_known_by_parsing_not_by_its_header() -> None:
    assert pem(ED25519).splitlines()[0] == pem(RSA).splitlines()[0]
    signer = Signer(key_id="k", pem=pem(ED25519))
    signature = await signer.sign_aside(b"text")
    ED25519.public_key().verify(base64.b64decode(signature, validate=True), b"text")
    assert signature == signer.sign(b"text")
    signer.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (pem(SHORT), "1024 bits"),
        (pem(ED25519, password=b"pw"), "encrypted"),
        ("", "can't be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "can't be read"),
        (
            ED25519.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "can't be read",
        ),
    ],
    ids=["elliptic", "short", "encrypted", "empty", "broken", "public"],
)
def test_any_other_key_is_refused_with_the_reason_and_not_shown(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_key(text)
    assert why in str(caught.value)
    assert "AAAA" not in str(caught.value)


def test_a_signer_does_not_print_its_key() -> None:
    signer = Signer(key_id="k", pem=pem(ED25519))
    assert "PRIVATE" not in repr(vars(signer))
    signer.close()
