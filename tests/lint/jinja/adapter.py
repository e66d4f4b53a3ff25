"""What sqlfluff sees in dbt's place: a dispatched macro becomes a function call of its own name."""

import re
from collections.abc import Callable


def dispatch(name: str) -> Callable[..., str]:
    if name == "each_in_json_list":  # the one macro that is a join clause
        return lambda document, alias: f"cross join unnest({document}) as {alias} (item)"
    if name == "json_items":
        return lambda document: f"1 as position, {document} as item"
    return lambda *arguments: f"{name}({', '.join(map(_as_sql, arguments))})"


def _as_sql(argument: object) -> str:
    text = str(argument)
    is_bare_text = text.startswith("$") or re.fullmatch("[0-9a-f]{32}", text)  # a JSON path, a namespace
    return f"'{text}'" if is_bare_text else text
