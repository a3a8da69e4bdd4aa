from __future__ import annotations

import time

import pytest

from ail_daemon.text import terms
from ail_daemon.text.redaction import without_secrets


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("retryBudget", {"retry", "Budget"}),
        ("parseHTTPReply", {"parse", "HTTP", "Reply"}),
        ("retry_budget", {"retrybudget"}),
        ("plain words", set()),
    ],
)
def test_identifiers_are_found_whole_and_in_parts(text: str, found: set[str]) -> None:
    assert found <= set(terms.expand(text).split())
    assert text.split()[0] in terms.expand(text).split()


def test_a_question_of_stop_words_says_nothing() -> None:
    assert terms.without_stop_words("Why is it so?") == ""
    assert terms.without_stop_words("Why is the retry so slow?") == "retry slow"


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("why `SO_REUSEPORT`?", {"SO_REUSEPORT"}),
        ("why does os.path.join fail", {"os.path.join"}),
        ("why 'http/3' off", {"http/3"}),
        ("why 'address already in use' at start?", {"address already in use"}),
        ("why does --no-cov run collect() of src/cov/run.py", {"--no-cov", "collect", "src/cov/run.py"}),
        ("why HTTP/3 and SHA256", {"HTTP/3", "SHA256"}),
        ("why don't the tests' fixtures close", set()),
        ("why is it slow", set()),
    ],
)
def test_names_are_what_a_question_spells_as_code(question: str, names: set[str]) -> None:
    assert set(terms.find_names(question)) == names


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a-" * 50_000, "aB" * 50_000, "_" * 100_000, "a_" * 50_000, "1" * 100_000]
)
def test_no_text_takes_long(text: str) -> None:
    for work in (terms.expand, without_secrets, terms.find_names, terms.without_stop_words):
        started = time.process_time()
        work(text)
        assert time.process_time() - started < 1, work  # quadratic ones took minutes
