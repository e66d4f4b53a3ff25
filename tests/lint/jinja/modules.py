"""The one of dbt's Python modules that the models use."""


class pytz:
    all_timezones = ("Etc/UTC",)
