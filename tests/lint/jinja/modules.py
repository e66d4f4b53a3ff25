"""The one of dbt's Python modules that the models use."""


class pytz:  # noqa: N801
    all_timezones = ("Etc/UTC",)
