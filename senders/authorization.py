"""The secrets of a provider's calls, fetched before anything is put on record as in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from senders.contract import CredentialsRefused, Provider, Request
from senders.round import Round
from senders.transport import InvalidRequest, NotSent, check_base_url, check_secrets


class NotAuthorized(Exception):
    """No call can be made now; nothing was sent. The text is the reason, one of our words."""


class RouteBlocked(NotAuthorized):
    """Nor later: somebody has to set the account right."""


async def authorize(
    round_: Round, client: httpx.AsyncClient, provider: Provider, before: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """The secret headers of the next calls. Blocks the route where the account is refused, and where the
    address or the secrets are such that every message would look malformed. `before`: what the same
    provider's last ones were, which need no second look."""
    if before is None:
        _check_address(round_, client, provider)
    try:
        async with asyncio.timeout(round_.pace.call_seconds):
            secrets = await provider.authorize(client)
        if secrets != before:
            check_secrets(client, provider.base_url, secrets)
    except (CredentialsRefused, InvalidRequest) as error:
        raise _blocked(round_, provider, "credentials_refused") from error
    except Exception as error:  # by contract, whatever it was happened before a message left
        raise NotAuthorized(f"authorization_failed: {type(error).__name__}") from error
    return secrets


def _check_address(round_: Round, client: httpx.AsyncClient, provider: Provider) -> None:
    try:
        check_base_url(client, provider.base_url)
    except InvalidRequest as error:
        raise _blocked(round_, provider, "wrong_endpoint") from error


def headers_for(provider: Provider, request: Request, secrets: Mapping[str, str]) -> Mapping[str, str]:
    """The secret headers of one call; some providers have each call signed (`sign`). Raises NotSent."""
    sign = getattr(provider, "sign", None)
    if sign is None:
        return secrets
    try:
        return {**secrets, **sign(request)}
    except Exception as error:  # nothing has left
        raise NotSent(f"not_signed: {type(error).__name__}") from error


def _blocked(round_: Round, provider: Provider, reason: str) -> RouteBlocked:
    round_.block_route(provider, reason)
    return RouteBlocked(reason)
