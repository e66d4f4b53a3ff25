"""A feed's rules as Great Expectations knows them, run by Great Expectations.

Importing it costs seconds: only the audit and the tests do, never a tick.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from receivers.feed import GIVEN, Feed
from receivers.gate import name

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]
    from duckdb import DuckDBPyConnection


def suite_of(feed: Feed) -> list[dict[str, Any]]:
    """The rules as configurations of expectations, in the order of the gate's bits."""
    return [
        {
            "type": rule.type,
            "kwargs": {"column": rule.column, **rule.kwargs},
            "meta": {"bit": bit, "reason": rule.reason, "whole_file": rule.whole_file},
        }
        for bit, rule in enumerate(feed.rules)
    ]


def frame_of(connection: DuckDBPyConnection, feed: Feed) -> pandas.DataFrame:
    """What `mapped` and `given` hold, as the rules see it: `given.<name>` is the value with its Python
    type, and is missing where no row has it. Rows in the order of file and row number."""
    import pandas

    judged = list(dict.fromkeys(rule.column for rule in feed.rules if not rule.column.startswith(GIVEN)))
    columns = ", ".join(f"mapped.{name(column)}" for column in judged)
    frame = connection.execute(f"select {columns} from mapped order by file_no, row_number").df()  # noqa: S608
    for column in dict.fromkeys(rule.column for rule in feed.rules if rule.column.startswith(GIVEN)):
        given = name(column.removeprefix(GIVEN))
        query = f"select {given}, {name(column)} from given order by file_no, row_number"  # noqa: S608
        pairs = connection.execute(query).fetchall()
        if any(json_type for _, json_type in pairs):
            frame[column] = pandas.Series([_python_value(*pair) for pair in pairs], dtype=object)
    return frame


def _python_value(text: str | None, json_type: str | None) -> Any:
    if text is None or json_type in (None, "NULL"):
        return None
    if json_type == "VARCHAR":
        return text
    if json_type == "DOUBLE":
        return float(text)  # also a whole number that is too large for the database's whole numbers
    if json_type == "BOOLEAN":
        import numpy

        return numpy.bool_(text == "true")  # Python's own is an int, to isinstance
    return json.loads(text)


def rows_failing(feed: Feed, frame: pandas.DataFrame, latest: datetime) -> list[set[int]]:
    """For each rule the positions of the rows that fail it, by Great Expectations. A column that is
    missing fails its `expect_column_to_exist` in every row and no other rule in any.

    `latest` is the naive UTC time after which is the future.
    """
    suite = [
        config for config in suite_of(feed) if config["kwargs"]["column"] in frame or _is_of_file(config)
    ]
    failing: list[set[int]] = [set() for _ in feed.rules]
    for result in _validate(suite, frame, latest):
        config = result.expectation_config
        if result.exception_info and result.exception_info.get("raised_exception"):
            raise RuntimeError(f"Great Expectations cannot judge {config}: {result.exception_info}")
        if _is_of_file({"type": config.type}):
            rows = set() if result.success else set(range(len(frame)))
        else:
            rows = {int(position) for position in result.result.get("unexpected_index_list") or ()}
        failing[config.meta["bit"]] = rows
    return failing


def _is_of_file(config: dict[str, Any]) -> bool:
    return bool(config["type"] == "expect_column_to_exist")


def _validate(suite: list[dict[str, Any]], frame: pandas.DataFrame, latest: datetime) -> list[Any]:
    """Run the suite. Nothing leaves this machine and nothing is written."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    in_memory = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(project_config=in_memory, mode="ephemeral")
    asset = context.data_sources.add_pandas("landed").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    validated = batch.validate(
        gx.ExpectationSuite(name="rules", expectations=suite),
        result_format={
            "result_format": "COMPLETE",
            "exclude_unexpected_values": True,  # it stumbles over objects beside other values
        },
        expectation_parameters={"latest": latest},
    )
    return list(validated.results)
