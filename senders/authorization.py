"""The secrets of a provider's calls, fetched before anything is put on record as in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from senders.contract import CredentialsRefused, Provider
from senders.round import Round
from senders.transport import InvalidRequest, check_headers


class NotAuthorized(Exception):
    """No call can be made now; nothing was sent. The text is the reason, one of our words."""


async def authorize(round_: Round, client: httpx.AsyncClient, provider: Provider) -> Mapping[str, str]:
    """The secret headers of the next calls. Blocks the route where the account is refused."""
    try:
        async with asyncio.timeout(round_.pace.call_seconds):
            secrets = await provider.authorize(client)
        check_headers(secrets)
    except (CredentialsRefused, InvalidRequest) as error:
        round_.block_route(provider, "credentials_refused")
        raise NotAuthorized("credentials_refused") from error
    except Exception as error:  # by contract, whatever it was happened before a message left
        raise NotAuthorized(f"authorization_failed: {type(error).__name__}") from error
    return secrets
