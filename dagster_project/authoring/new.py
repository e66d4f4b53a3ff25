"""`dovecote new`: a journey, a segment or a KPI that passes every check at once, to be made one's own.

The files are forms in `forms/`, filled in with a name; nothing that stands is ever written over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import jinja2

from dagster_project.policy.values import NAME

FORMS: Final = Path(__file__).with_name("forms")
PROJECT: Final = Path("dbt/dbt_project.yml")

# kind → form → where the filled-in form goes.
FILES: Final[Mapping[str, Mapping[str, str]]] = {
    "journey": {
        "trg.sql": "dbt/models/triggers/trg_{name}.sql",
        "trg.yml": "dbt/models/triggers/trg_{name}.yml",
        "email.jinja": "senders/templates/{name}/email.jinja",
        "sms.jinja": "senders/templates/{name}/sms.jinja",
        "example.json": "senders/templates/{name}/example.json",
    },
    "segment": {
        "seg.sql": "dbt/models/segments/seg_{name}.sql",
        "seg.yml": "dbt/models/segments/seg_{name}.yml",
    },
    "kpi": {
        "kpi.sql": "dbt/models/kpis/kpi_{name}.sql",
        "kpi.yml": "dbt/models/kpis/kpi_{name}.yml",
    },
}
# The list of `vars` in dbt_project.yml that takes it live. A KPI is live by being there.
LISTED_IN: Final = {"journey": "journeys", "segment": "segments"}


class NewError(ValueError):
    """It cannot be written; the text says which name or file is in the way and what to do."""


def create(
    kind: str, name: str, repository: Path, *, event: str | None = None, message_class: str = "marketing"
) -> list[Path]:
    """Write the files of a new `kind` and list it as live; returns what was written or changed.

    `event` is the event that lets somebody into a journey (default: its name). Raises NewError before
    anything is written.
    """
    _refuse_bad_names(kind, name, event or name, message_class)
    files = {form: repository / place.format(name=name) for form, place in FILES[kind].items()}
    if there := [path for path in files.values() if path.exists()]:
        raise NewError(f"{there[0].relative_to(repository)} is there already: take another name, or edit it")
    listed = _listed(kind, name, repository)
    values = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "event": event or name,
        "message_class": message_class,
    }
    for form, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled_in(form, values), encoding="utf-8")
    if listed is not None:
        (repository / PROJECT).write_text(listed, encoding="utf-8")
    return [*files.values(), *([repository / PROJECT] if listed is not None else [])]


def _refuse_bad_names(kind: str, name: str, event: str, message_class: str) -> None:
    if kind not in FILES:
        raise NewError(f"{kind!r} is nothing that can be made: there is {', '.join(FILES)}")
    for what, word in (("name", name), ("event", event)):
        if not NAME.fullmatch(word):
            snake = re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") or kind
            raise NewError(f'"{word}" is no {what}: it is written in snake_case, as in "{snake}"')
    if message_class not in ("marketing", "transactional"):
        raise NewError(f'"{message_class}" is no class: a journey is marketing or transactional')


def _filled_in(form: str, values: Mapping[str, str]) -> str:
    """Other brackets than Jinja's own, because most forms are Jinja themselves."""
    environment = jinja2.Environment(  # noqa: S701  SQL, YAML and Jinja, not HTML
        variable_start_string="[[", variable_end_string="]]",
        block_start_string="[%", block_end_string="%]",
        comment_start_string="[#", comment_end_string="#]",
        keep_trailing_newline=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return environment.from_string((FORMS / form).read_text(encoding="utf-8")).render(values)


def _listed(kind: str, name: str, repository: Path) -> str | None:
    """dbt_project.yml with the name in its list, in alphabetical order; None where there is no list."""
    if kind not in LISTED_IN:
        return None
    text = (repository / PROJECT).read_text(encoding="utf-8")
    found = re.search(rf"^  {LISTED_IN[kind]}:\n((?:    - \w+\n)*)", text, re.MULTILINE)
    if found is None:
        raise NewError(
            f"{PROJECT} has no list `{LISTED_IN[kind]}:` below `vars:` with a line for each name: write one"
        )
    names = sorted({*re.findall(r"- (\w+)", found[1]), name})
    lines = "".join(f"    - {each}\n" for each in names)
    return text[: found.start(1)] + lines + text[found.end(1) :]
