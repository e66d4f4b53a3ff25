"""Access tokens of a service account: RFC 7523, a JWT signed with RS256 against a token."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from senders.contract import CredentialsRefused
from senders.providers._judging import as_object, dump_json

RENEW_BEFORE_SECONDS = 60.0  # of the token's end
ASSERTION_SECONDS = 3600  # the longest that token endpoints allow


def service_account(text: str) -> dict[str, str]:
    """The fields of a service account's key file; ValueError says what is wrong with it."""
    path = Path(text).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    account = as_object(path.read_bytes())
    missing = [name for name in ("client_email", "private_key", "token_uri") if not account.get(name)]
    if missing:
        raise ValueError(f"{path} is no service account key: it lacks {', '.join(missing)}")
    return account


class AccessToken:
    """The token of one account and scope, fetched once and kept until shortly before it ends."""

    def __init__(self, account: Mapping[str, str], scope: str) -> None:
        self._account = account
        self._scope = scope
        self._value = ""
        self._ends_at = 0.0  # time.monotonic
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def current(self, client: Any) -> str:
        """The token; raises CredentialsRefused, ConnectionError or what `client.post` raises."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:  # a lock belongs to one loop
            self._lock = (loop, asyncio.Lock())
        async with self._lock[1]:
            if time.monotonic() >= self._ends_at:
                await self._fetch(client)
        return self._value

    async def _fetch(self, client: Any) -> None:
        address = self._account["token_uri"]
        grant = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": sign_assertion(self._account, self._scope, int(time.time())),
        }
        response = await client.post(address, data=grant)
        body = as_object(response.content)
        if response.status_code in (400, 401, 403):
            why = f"{body.get('error', response.status_code)} {body.get('error_description', '')}".rstrip()
            raise CredentialsRefused(f"{address} refused {self._account['client_email']}: {why}")
        if response.status_code != 200 or not body.get("access_token"):
            raise ConnectionError(f"{address} answered {response.status_code} without a token")
        self._value = body["access_token"]
        lifetime = float(body.get("expires_in", 0)) - RENEW_BEFORE_SECONDS
        self._ends_at = time.monotonic() + max(0.0, lifetime)


def sign_assertion(account: Mapping[str, str], scope: str, now: int) -> str:
    """The signed JWT that asks for a token; CredentialsRefused where the key cannot sign."""
    # Imported late: 50 ms that a tick without this kind of account need not pay.
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    header = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
    claims = {
        "iss": account["client_email"],
        "scope": scope,
        "aud": account["token_uri"],
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    }
    signed = b".".join(base64.urlsafe_b64encode(dump_json(part)).rstrip(b"=") for part in (header, claims))
    try:
        key = serialization.load_pem_private_key(account["private_key"].encode(), password=None)
    except ValueError as error:
        raise CredentialsRefused(f"the private_key of {account['client_email']} is no PEM key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialsRefused(f"the private_key of {account['client_email']} is no RSA key")
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()
