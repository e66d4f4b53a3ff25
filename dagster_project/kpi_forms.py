"""How each KPI is shown: its figures by their names here, what a table has beside them, and its unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from dagster_project.policy.reader import nearest
from senders.settings import REPOSITORY

NUMBER, MINUTES = "{value:,.4g}", "{value:,.1f}"
# How a value is written, by the `unit` in the YAML of its model; without one it is a number.
UNITS = {
    "share": "{value:.2%}",
    "seconds": "{value:,.0f} s",
    "money": "{value:,.0f}",
    "count": "{value:,.0f}",
}


def misspelt_units(models: Path = REPOSITORY / "dbt" / "models" / "kpis") -> Iterator[str]:
    """A sentence for each `config.meta.unit` that is none of UNITS: the UI would show a plain number."""
    for path in sorted(models.glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            unit = model.get("config", {}).get("meta", {}).get("unit")
            if unit is not None and unit not in UNITS:
                yield f"{path.name}: {model['name']}: config.meta.unit: {unit}: {nearest(unit, UNITS)}"


@dataclass(frozen=True, eq=False)
class Kpi:
    """One model's figures. `figures`: what its query's columns are called here, the value first.
    `beside`: titles and texts of what a table shows beside it; `written`: how a value is written, where
    not in its model's unit."""

    model: str
    figures: Mapping[str, str]
    beside: Mapping[str, str]
    written: str = ""

    @property
    def value(self) -> str:
        return next(iter(self.figures))


def rate(model: str, value: str, numerator: str, denominator: str) -> Kpi:
    figures = {value: "value", numerator: "numerator", denominator: "denominator"}
    return Kpi(model, figures, {f"{numerator} / {denominator}": "{numerator:,.0f} / {denominator:,.0f}"})


KPIS = (
    rate("kpi_conversion_rate", "conversion_rate", "converted", "delivered"),
    Kpi(
        "kpi_incremental_revenue",
        {
            "incremental_revenue": "value",
            "treated_revenue": "numerator",
            "scaled_control": "denominator",
            "treated_units": "treated_units",
            "control_units": "control_units",
        },
        {
            "treated − scaled control": "{numerator:,.0f} − {denominator:,.0f}",
            "units": "{treated_units:,.0f} : {control_units:,.0f}",
        },
    ),
    rate("kpi_open_rate", "open_rate", "opened", "delivered"),
    rate("kpi_click_through_rate", "click_through_rate", "clicked", "delivered"),
    Kpi(
        "kpi_time_to_conversion",
        {
            "median_minutes": "value",
            "p90_minutes": "p90",
            "mean_minutes": "mean",
            "conversions": "denominator",
        },
        {"p90": "{p90:,.1f}", "mean": "{mean:,.1f}", "conversions": "{denominator:,.0f}"},
        MINUTES,
    ),
    rate("kpi_journey_completion", "journey_completion", "reached", "entered"),
    rate("kpi_suppression_rate", "suppression_rate", "suppressed", "decided"),
    rate("kpi_bounce_rate", "bounce_rate", "bounced", "accepted"),
    rate("kpi_complaint_rate", "complaint_rate", "complained", "delivered"),
    rate("kpi_unsubscribe_rate", "unsubscribe_rate", "unsubscribed", "delivered"),
)
