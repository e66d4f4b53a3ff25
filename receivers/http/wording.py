"""The words in which people are asked. Proof of consent refers to WORDING: a change makes a new version."""

from __future__ import annotations

from dataclasses import dataclass

WORDING = "preferences-1"


@dataclass(frozen=True)
class Channel:
    title: str
    name: str  # inside a sentence, after "by"


CHANNELS = {
    "rcs": Channel("Chat message (RCS)", "chat message"),
    "sms": Channel("Text message (SMS)", "text message"),
    "email": Channel("Email", "email"),
    "whatsapp": Channel("WhatsApp", "WhatsApp"),
    "push": Channel("Push notification", "push notification"),
    "webhook": Channel("Automatic notification", "automatic notification"),
}

PURPOSES = {
    "marketing": "Offers, reminders and news",
    "transactional": "Messages about my orders",
}
