"""dbt's own cross-database names, as far as the models use them."""


def type_string() -> str:
    return "varchar"


def __getattr__(name: str):
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *arguments: f"{name}({', '.join(str(a) for a in arguments)})"
