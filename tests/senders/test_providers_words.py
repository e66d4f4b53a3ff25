"""What people write back, by cases: the wish to hear no more, the question what this is, and talk."""

import json
from pathlib import Path

import pytest

from senders.contract import EventKind
from senders.providers._opt_out import HELP, STOP, asks_for_help, is_opt_out
from senders.providers._reasons import Reason
from senders.providers._replies import meaning_of

CASES = json.loads((Path(__file__).parent / "cases" / "words.json").read_text())
MEANS = {
    "stop": (EventKind.UNSUBSCRIBED, Reason.OPT_OUT_WORD),
    "help": (EventKind.REPLIED, Reason.HELP_WORD),
    "reply": (EventKind.REPLIED, Reason.REPLIED),
}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['means']}: {case['text']}" for case in CASES])
def test_a_text_means(case):
    assert meaning_of(case["text"]) == MEANS[case["means"]]


@pytest.mark.parametrize("language", STOP)
def test_every_wording_counts_in_any_case_and_without_its_accents(language):
    for word in STOP[language].split(","):
        assert all(is_opt_out(text) for text in (word, word.upper(), f" {word.capitalize()}! ")), word
        assert not asks_for_help(word), word


@pytest.mark.parametrize("language", HELP)
def test_no_question_ends_anything(language):
    for word in HELP[language].split(","):
        assert asks_for_help(word.upper()), word
        assert not is_opt_out(word), word
