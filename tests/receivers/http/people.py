"""People who got a message, the links in it, and what landed of what they did."""

from __future__ import annotations

import uuid

from receivers_process import Receivers

from senders.contract import Message
from senders.links import unsubscribe_url

TARGET = "https://shop.example/cart?id=1&name=Søren%20|x#top"


def somebody() -> str:
    return f"u-{uuid.uuid4()}"


def unsubscribe_link(receivers: Receivers, message: Message) -> str:
    return unsubscribe_url(
        receivers.settings, message.message_id, message.user_id, message.channel, message.address
    )


def consents(receivers: Receivers, user_id: str) -> list[tuple[str, str, str, str, str]]:
    return [
        (row["channel"], row["purpose"], row["status"], row["consent_source"], row["wording_version"])
        for row in receivers.landed("consents")
        if row["user_id"] == user_id
    ]
