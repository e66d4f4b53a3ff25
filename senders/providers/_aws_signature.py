"""AWS Signature Version 4, as much of it as one signed call needs.

Source of the rule: AWS IAM User Guide, "Create a signed AWS API request". botocore's signer would cost
every tick its import; the tests hold this one against it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

from senders.contract import Request

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Who signs, for which service; `session_token` is empty for keys that do not end."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    region: str
    service: str


def signed_headers(keys: Keys, base_url: str, request: Request, at: datetime) -> dict[str, str]:
    """The headers that make the call a signed one; `at` is aware UTC, and good for minutes."""
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": moment}
    if keys.session_token:
        added["X-Amz-Security-Token"] = keys.session_token
    headers = {**request.headers, **added, "Host": urlsplit(base_url).netloc}
    signature, names = signature_of(keys, request, headers, moment)
    credential = f"{keys.access_key_id}/{_scope(keys, moment)}"
    value = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**added, "Authorization": value}


def signature_of(keys: Keys, request: Request, headers: Mapping[str, str], moment: str) -> tuple[str, str]:
    """The signature in hexadecimal over these headers, and their names as they are told."""
    lower = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(lower))
    path, _, query = request.path.partition("?")
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in _pairs(query))
    canonical = "\n".join(
        (
            request.method,
            quote(path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{lower[name]}" for name in sorted(lower)),
            "",
            names,
            sha256(request.body).hexdigest(),
        )
    )
    digest = sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, moment, _scope(keys, moment), digest))
    return hmac.digest(_signing_key(keys, moment[:8]), to_sign.encode(), sha256).hex(), names


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _scope(keys: Keys, moment: str) -> str:
    return f"{moment[:8]}/{keys.region}/{keys.service}/aws4_request"


def _signing_key(keys: Keys, date: str) -> bytes:
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (date, keys.region, keys.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), sha256)
    return key
