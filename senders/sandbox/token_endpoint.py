"""An OAuth 2.0 token endpoint for service accounts (RFC 7523), as strict as the real one."""

from __future__ import annotations

import base64
import json
import secrets as random_secrets
import time
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_SECONDS = 3600
CLOCK_SKEW_SECONDS = 300


class TokenEndpoint:
    """Gives access tokens for JWTs of one account and scope, and knows them again."""

    def __init__(self, private_key: str, client_email: str, scope: str) -> None:
        key = serialization.load_pem_private_key(private_key.encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("private_key in the sandbox's secrets is no RSA key")
        self._public_key = key.public_key()
        self._client_email, self._scope = client_email, scope
        self._tokens: dict[str, float] = {}  # access token → when it ends (time.time)

    def knows(self, token: str) -> bool:
        return self._tokens.get(token, 0.0) > time.time()

    def answer(self, request: Request, body: bytes) -> Response:
        form = parse_qs(body.decode(errors="replace"))
        if form.get("grant_type") != [GRANT_TYPE]:
            return _refused("unsupported_grant_type", "Invalid grant_type")
        wrong = self._fault_of(form.get("assertion", [""])[0], str(request.url))
        if wrong:
            return _refused("invalid_grant", wrong)
        token = f"ya29.{random_secrets.token_urlsafe(48)}"
        self._tokens[token] = time.time() + TOKEN_SECONDS
        return JSONResponse({"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"})

    def _fault_of(self, assertion: str, address: str) -> str | None:
        """What is wrong with a JWT, in words, or None."""
        try:
            signed, _, signature = assertion.rpartition(".")
            self._public_key.verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims: dict[str, Any] = json.loads(_decoded(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            return "Invalid JWT Signature."
        now, issued_at, ends_at = time.time(), claims.get("iat", 0), claims.get("exp", 0)
        if not (issued_at - CLOCK_SKEW_SECONDS <= now < ends_at <= issued_at + TOKEN_SECONDS):
            return (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            )
        expected = {"iss": self._client_email, "aud": address, "scope": self._scope}
        wrong = [name for name, value in expected.items() if claims.get(name) != value]
        return f"Invalid JWT: {', '.join(wrong)}." if wrong else None


def _refused(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=400)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
