"""A stand-in for WhatsApp by Twilio: the Messages API again, with addresses and templates of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from senders.sandbox.twilio_sms import TwilioSmsSandbox

CONTENT_SID = "HX0123456789abcdef0123456789abcdef"
TEMPLATES = ("cart_reminder.en", "hello.en")


class TwilioWhatsappSandbox(TwilioSmsSandbox):
    name = "twilio_whatsapp"
    channel = "whatsapp"
    prefix = "/whatsapp"  # all providers share one port, and SMS has these paths already
    scheme = "whatsapp:"

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        sms = TwilioSmsSandbox.environment(secrets, base_url, home)
        named = ",".join(f"{name}={CONTENT_SID}" for name in TEMPLATES)
        return {**sms, "BASE_URL": f"{base_url}{TwilioWhatsappSandbox.prefix}", "CONTENT_SIDS": named}

    def _form(self, body: bytes) -> dict[str, str]:
        """The form as one of SMS: without the scheme of its addresses, a template told as a text."""
        form = super()._form(body)
        for name in ("To", "From"):
            is_whatsapp = form.get(name, "").startswith(self.scheme)
            form[name] = form.get(name, "").removeprefix(self.scheme) if is_whatsapp else ""
        if "ContentSid" in form:
            values = form.get("ContentVariables", "{}")
            form["Body"] = f"{form['ContentSid']} {values}" if form["ContentSid"] == CONTENT_SID else ""
        return form


SANDBOX = TwilioWhatsappSandbox
