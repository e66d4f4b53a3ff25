"""Rules about where things live. Each names the file and the line that breaks it."""

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def offences(paths: list[Path], pattern: str, flags: int = 0) -> list[str]:
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line, flags):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}")
    return found


def python_of(*rooms: str) -> list[Path]:
    return tracked(*(f"{room}/*.py" for room in rooms))


def test_only_settings_reads_the_environment():
    paths = [p for p in python_of("dagster_project", "receivers", "senders") if p.name != "settings.py"]
    assert paths
    assert offences(paths, r"os\.getenv|getenv\(|os\.environ(?!\[[^]]+\] = )") == []


def test_provider_words_stay_in_the_providers_own_files():
    paths = [
        path
        for path in python_of("dagster_project", "receivers", "senders")
        if path.parent.name not in ("providers", "sandbox") and path.name != "settings.py"
    ]
    # A provider's plain name may be said (a route names it); its vocabulary may not.
    words = (
        r"X-Twilio|MessagingServiceSid|agentMessages|sg_event_id|sg_message_id|X-Goog-Signature|RichCard\b"
    )
    assert offences(paths, words, re.IGNORECASE) == []


DUCKDB_ONLY = {
    "a cast with `::`": r"::",
    "qualify": r"\bqualify\b",
    "exclude or replace in a star": r"\*\s*(exclude|replace)\b",
    "date_diff": r"\bdate_diff\(",
    "an interval literal": r"\binterval\s+'",
    "a list or struct function": r"\b(list_\w+|struct_pack|unnest|array_agg|to_json|json_extract\w*)\(",
    "a time function": r"\b(strftime|strptime|epoch\w*|time_bucket)\(",
    "group by all": r"\bgroup by all\b",
    "ilike": r"\bilike\b",
}


@pytest.mark.parametrize("syntax", DUCKDB_ONLY)
def test_models_use_no_syntax_that_only_duckdb_has(syntax):
    models = tracked("dbt/models/**/*.sql", "dbt/models/*.sql")
    assert len(models) > 30
    found = [line for line in offences(models, DUCKDB_ONLY[syntax], re.IGNORECASE) if ": --" not in line]
    assert found == []


def test_every_model_has_a_description_in_a_file_of_the_same_stem():
    lonely = [path for path in tracked("dbt/models/**/*.sql") if not path.with_suffix(".yml").exists()]
    assert [str(path.relative_to(REPOSITORY)) for path in lonely] == []


def test_no_file_is_called_by_a_word_that_says_nothing():
    names = [
        path for path in tracked() if path.stem in ("utils", "util", "helpers", "helper", "common", "misc")
    ]
    assert names == []


def test_no_commit_carries_an_address_of_a_package_registry():
    text = [path for path in tracked() if path.suffix not in (".png", ".parquet", ".gz")]
    assert (
        offences(text, r"https?://[^ ]*/" + r"simple\b|files\.python" + "hosted|-index" + r"-url[ =]http")
        == []
    )


# They ask at the start of a run, which a replay of a model never comes to.
ASK_BEFORE_MODELS = {"create_before_first_run", "publish_policy"}


def test_a_replay_knows_an_answer_for_every_macro_that_asks_the_database():
    answered = (REPOSITORY / "dagster_project" / "backtest" / "asked_once.jinja").read_text()
    macros = [
        found
        for path in tracked("dbt/macros/*.sql")
        for found in re.finditer(r"{%-? *macro (\w+)\(.*?{%-? *endmacro", path.read_text(), re.DOTALL)
    ]
    asking = {found[1] for found in macros if "run_query" in found[0]} - ASK_BEFORE_MODELS
    assert asking
    assert asking <= set(re.findall(r"macro (\w+)\(", answered))
