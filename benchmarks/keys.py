"""Throw-away API keys of both kinds."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KEY_ID = "bench-key"
RSA, ED25519 = "rsa", "ed25519"
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
SHA256 = hashes.SHA256()


def new_pem(kind: str) -> str:
    """Make a private key, RSA-2048 or Ed25519, in PEM."""
    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if kind == RSA
        else ed25519.Ed25519PrivateKey.generate()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def private_key(pem: str) -> PrivateKey:
    """Read such a key."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey)
    return key


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign as the exchange asks for: PSS with SHA-256 and a salt of 32, or Ed25519."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, PSS, SHA256)
    return key.sign(message)


def check(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey, signature: bytes, message: bytes) -> None:
    """Verify a signature. Raises InvalidSignature."""
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, PSS, SHA256)
    else:
        key.verify(signature, message)
