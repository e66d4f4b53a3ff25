"""A stand-in for RCS by Twilio: the Messages API again, with a Messaging Service and Content templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from senders.sandbox.twilio_sms import TwilioSmsSandbox

SERVICE = "MG0123456789abcdef0123456789abcdef"
SHAPES = {"br": 1, "bu": 2, "tbmu": 3, "tbmur": 4, "tbur": 5}  # each with a Content template of its own


class TwilioRcsSandbox(TwilioSmsSandbox):
    name = "twilio_rcs"
    channel = "rcs"
    prefix = "/rcs"  # all providers share one port, and SMS has these paths already
    scheme = "rcs:"
    services = (SERVICE,)

    @staticmethod
    def environment(secrets: Mapping[str, str], base_url: str, home: Path) -> dict[str, str]:
        sms = TwilioSmsSandbox.environment(secrets, base_url, home)
        named = ",".join(f"{shape}={content_sid(shape)}" for shape in SHAPES)
        return {
            **sms,
            "FROM": "",
            "MESSAGING_SERVICE_SID": SERVICE,
            "BASE_URL": f"{base_url}{TwilioRcsSandbox.prefix}",
            "CONTENT_SIDS": named,
        }

    def _form(self, body: bytes) -> dict[str, str]:
        """The form as one of SMS: without the scheme of its address, a template told as a text."""
        form = super()._form(body)
        to = form.get("To", "")
        form["To"] = to.removeprefix(self.scheme) if to.startswith(self.scheme) else ""
        if "ContentSid" in form:
            is_ours = form["ContentSid"] in map(content_sid, SHAPES)
            form["Body"] = form.get("ContentVariables", "{}") if is_ours else ""
        return form

    def _fate(self, recipient: str) -> tuple[str, int | None]:
        """Twilio takes a message first and then finds a telephone without RCS."""
        world = self._core.world
        if world.chance("rcs", recipient) < world.unreachable_share:
            return "undelivered", 63106
        return super()._fate(recipient)


SANDBOX = TwilioRcsSandbox


def content_sid(shape: str) -> str:
    return f"HX{SHAPES[shape]:032x}"
