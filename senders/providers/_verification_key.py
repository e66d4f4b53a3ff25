"""The public key that verifies signed webhooks: ECDSA on P-256 over SHA-256."""

from __future__ import annotations

import base64
from typing import Any

# DER of a P-256 public key: this head and a point of 65 bytes (RFC 5480).
P256_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def public_key(text: str) -> bytes:
    """The key's DER; ValueError says what the text must be."""
    try:
        der = base64.b64decode(text, validate=True)
    except ValueError:
        der = b""
    if not der.startswith(P256_HEAD) or len(der) != len(P256_HEAD) + 65:
        raise ValueError("must be the base64 verification key that the webhook's settings show")
    return der


class VerificationKey:
    """A key that is read at its first use."""

    def __init__(self, der: bytes) -> None:
        self._der = der
        self._key: Any = None

    def has_signed(self, signed: bytes, signature: str) -> bool:
        """Whether `signature` (base64 of DER) is this key's over exactly these bytes."""
        # Imported late: 50 ms that a tick which only sends need not pay.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._key is None:
            self._key = serialization.load_der_public_key(self._der)
        try:
            self._key.verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True
