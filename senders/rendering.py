"""A row of the outbox becomes the message that every attempt will send.

Pure: the same row and settings give the same bytes, whatever the clock says. The templates are
`senders/templates/<template>/<channel>.jinja`; `senders/templates/README.md` says how to write one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import jinja2

from senders import links
from senders.channel_content import push_content, webhook_content, whatsapp_content
from senders.clean_text import clip, payload_value, person_name, visible
from senders.contract import Message
from senders.rcs_content import rcs_content
from senders.settings import Settings, SettingsError
from senders.sms_text import SEGMENT_LIMIT, measure
from senders.template_environment import CONTEXT, Null, environments

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
SUBJECT_LIMIT: Final = 150  # phones show 40 of it; RFC 5322 allows 998 octets a line
COPIED: Final = (
    "message_id", "candidate_id", "decision_id", "journey", "journey_version", "step", "message_class",
    "channel", "user_id", "entity_key", "event_id", "variant", "priority", "address", "on_unknown",
)  # fmt: skip
# What a template or a value in one row can do wrong; the others of a batch go on.
ROW_ERRORS: Final = (
    jinja2.TemplateError, ArithmeticError, AttributeError, RecursionError, TypeError, ValueError,
)  # fmt: skip


class RenderError(ValueError):
    """This row cannot become a message. Others can: record it and go on.

    `line` is the template's, None where the row itself is wrong.
    """

    def __init__(self, template: str, channel: str, line: int | None, reason: str) -> None:
        self.template, self.channel, self.line, self.reason = template, channel, line, reason
        place = f"templates/{template}/{channel}.jinja" + (f" line {line}" if line else "")
        super().__init__(f"{place}: {reason}")


class Renderer:
    """Renders rows with one set of settings; safe to share between threads once warm."""

    def __init__(self, settings: Settings, templates: Path = TEMPLATES) -> None:
        self.settings = settings
        self._environments = environments(templates)
        self._shop = {
            "name": visible(settings.shop_name),
            "address": visible(settings.shop_address),
            "url": settings.shop_url,
        }

    def render(self, row: Mapping[str, Any]) -> Message:
        """The message of an outbox row (columns of `fct_outbox`; `person` and `payload` JSON text,
        times as datetimes or ISO text, UTC where they name no zone).

        Content by channel:
        email {"subject", "html", "text", "headers": {name: value}};
        sms   {"text", "encoding": "GSM-7" | "UCS-2", "segments": int};
        rcs   see `rcs_content`; push, whatsapp, webhook see `channel_content`.
        Raises RenderError, and SettingsError where links cannot be signed.
        """
        template, channel = str(row.get("template")), str(row.get("channel"))
        name, form = f"{template}/{channel}.jinja", CHANNELS.get(channel)
        if form is None:
            raise RenderError(template, channel, None, f"only {', '.join(CHANNELS)} can be rendered")
        try:
            content = form(self, name, self._context(row))
            own = {column: row[column] for column in COPIED}
            return Message(
                **own, content=content, due_at=_utc(row["due_at"]), expires_at=_utc(row["expires_at"])
            )
        except SettingsError:
            raise  # wrong for every row alike
        except jinja2.TemplateNotFound as error:
            raise RenderError(template, channel, None, f"there is no file {error.name}") from error
        except KeyError as error:
            raise RenderError(template, channel, None, f"the outbox row has no column {error}") from error
        except ROW_ERRORS as error:
            raise RenderError(template, channel, _line(error, name), str(error)) from error

    def _context(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Every name a template can use; the trigger's columns first, so that ours win."""
        clean = {name: payload_value(name, value) for name, value in _columns(row["payload"]).items()}
        payload = {name: Null(name=name) if value is None else value for name, value in clean.items()}
        reserved = {
            "person": _person(row["person"]),
            "discount": _discount(row),
            "shop": self._shop,
            "links": self._links(row),
            "track": partial(links.click_url, self.settings, row["message_id"]),
            "is_marketing": row["message_class"] == "marketing",
            "time_zone": row["time_zone"],
            "variant": row["variant"],
        }
        return payload | reserved

    def _links(self, row: Mapping[str, Any]) -> dict[str, str]:
        who = row["message_id"], row["user_id"], row["channel"], row["address"]
        return {
            "unsubscribe": links.unsubscribe_url(self.settings, *who),
            "preferences": links.preferences_url(self.settings, row["user_id"]),
        }

    def _email(self, name: str, context: dict[str, Any]) -> dict[str, Any]:
        html, _ = _run(self._environments["html"].get_template(name), context)
        text, blocks = _run(self._environments["text"].get_template(name), context)
        subject = clip(visible(blocks.get("subject", "")), SUBJECT_LIMIT)
        if not subject:
            raise ValueError("block subject is empty")
        headers = {}
        if context["is_marketing"]:  # RFC 8058: one click, no page in between
            headers["List-Unsubscribe"] = f"<{context['links']['unsubscribe']}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        parts = {"html": html.strip() + "\n", "text": _tidy(text) + "\n"}
        return {"subject": subject, **parts, "headers": headers}

    def _sms(self, name: str, context: dict[str, Any]) -> dict[str, Any]:
        environment = self._environments["text"]
        body, _ = _run(environment.get_template(name), context)
        if not body.strip():
            raise ValueError("the message is empty")
        text, _ = _run(environment.get_template("sms.jinja"), context | {"message": _tidy(body)})
        sms = measure(_tidy(text))
        if sms.segments > SEGMENT_LIMIT:
            raise ValueError(f"it takes {sms.segments} segments, at most {SEGMENT_LIMIT} go")
        return {"text": sms.text, "encoding": sms.encoding, "segments": sms.segments}

    def _rcs(self, name: str, context: dict[str, Any]) -> dict[str, Any]:
        everything, blocks = _run(self._environments["rcs"].get_template(name), context)
        return rcs_content(blocks or {"text": everything}, is_marketing=context["is_marketing"])

    def _push(self, name: str, context: dict[str, Any]) -> dict[str, Any]:
        return push_content(_run(self._environments["text"].get_template(name), context)[1])

    def _whatsapp(self, name: str, context: dict[str, Any]) -> dict[str, Any]:
        everything, blocks = _run(self._environments["whatsapp"].get_template(name), context)
        return whatsapp_content(blocks, everything)

    def _webhook(self, name: str, context: dict[str, Any]) -> dict[str, Any]:
        return webhook_content(_run(self._environments["text"].get_template(name), context)[0])


CHANNELS: Final[Mapping[str, Callable[[Renderer, str, dict[str, Any]], dict[str, Any]]]] = {
    "email": Renderer._email,
    "sms": Renderer._sms,
    "rcs": Renderer._rcs,
    "push": Renderer._push,
    "whatsapp": Renderer._whatsapp,
    "webhook": Renderer._webhook,
}


def render(settings: Settings, row: Mapping[str, Any]) -> Message:
    """One row with the templates of this repository; `Renderer` says what comes and what is raised."""
    return Renderer(settings).render(row)


def _run(template: jinja2.Template, values: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The whole output of a template and, beside it, what each of its own blocks gave."""
    context = template.new_context(values)
    blocks: dict[str, str] = {}
    for name, stack in context.blocks.items():
        stack.insert(0, _noted(name, stack[0], blocks))
    return "".join(template.root_render_func(context)), blocks


def _noted(
    name: str, block: Callable[..., Iterator[str]], into: dict[str, str]
) -> Callable[[Any], Iterator[str]]:
    def run(context: Any) -> Iterator[str]:
        into[name] = "".join(block(context))
        yield into[name]

    return run


def _columns(text: str) -> dict[str, Any]:
    """The payload; a column that is a JSON list as text is read as that list."""
    columns = json.loads(text)
    for name, value in columns.items():
        if isinstance(value, str) and (value.startswith("[{") or value == "[]"):
            columns[name] = json.loads(value)
    return columns


def _person(text: str) -> dict[str, str | None]:
    """What a template may say about its reader; a name that cannot be one is null."""
    given = json.loads(text) or {}
    texts = {field: str(given.get(field) or "") for field in CONTEXT["person"] or ()}
    return {
        field: (person_name(value) if field.endswith("_name") else visible(value)) or None
        for field, value in texts.items()
    }


def _discount(row: Mapping[str, Any]) -> Any:
    """The message's own code (`senders/discounts.py`), or a null, false in a test: the pool may be empty."""
    code = row.get("discount")
    return payload_value("discount", dict(code)) if code else Null(name="discount")


def _tidy(text: str) -> str:
    """No spaces at line ends, no more than one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


def _utc(moment: Any) -> datetime:
    when = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _line(error: BaseException, name: str) -> int | None:
    """The line of template `name` that an error came through, off the frames that Jinja compiled."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    line, trace = None, error.__traceback__
    while trace:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and template.name == name:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
