"""Consent as it is given and withdrawn here: a row with its proof, landed for the warehouse."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from receivers.http.landing import timestamp

FEED = "consents"
GIVEN, WITHDRAWN = "given", "withdrawn"
MARKETING = "marketing"


def consent_row(
    user_id: str,
    channel: str,
    purpose: str,
    status: str,
    occurred_at: datetime,
    source: str,
    wording: str,
    **proof: str,
) -> dict[str, Any]:
    """`source`: where it was said; `wording`: version of the words the person saw; `proof`: whatever else."""
    return {
        "user_id": user_id,
        "channel": channel,
        "purpose": purpose,
        "status": status,
        "occurred_at": timestamp(occurred_at),
        "consent_source": source,
        "wording_version": wording,
        **proof,
    }
