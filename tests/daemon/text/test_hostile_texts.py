"""Texts made to have a pattern take the square of their length: every reader of messages gets through them.

100,000 characters took 36 s where one did not. There is no limit here but the suite's own on a hanging test.
"""

from __future__ import annotations

import pytest

from ail_daemon.asking import wording
from ail_daemon.model import Commit
from ail_daemon.relating import patches, reasons
from ail_daemon.search import answers
from ail_daemon.text import mentions, prose, terms
from ail_daemon.text.redaction import without_secrets

TEXTS = {
    "spaces": " " * 100_000, "newlines": "\n" * 100_000, "lines of spaces": "\n " * 50_000, "tabs": "\t" * 100_000,
    "one word": "a" * 100_000, "reverts": "revert " * 15_000, "parentheses": "(" * 100_000, "numbers": "(#1)" * 25_000,
    "quotes": '"' * 100_000, "dots": ". " * 50_000, "dashes": "- " * 50_000, "commas": "reverts commit " + ", " * 50_000,
    "shas": "reverts " + "abcdef1 " * 12_000, "trailers": "A-" * 50_000 + ": x", "references": "Fixes: " * 15_000,
    "brackets": "[a " * 33_000, "quoted": ">" * 100_000, "versions": "10." * 33_000, "snake": "a_" * 50_000,
    "camel": "aB" * 50_000, "paths": "a/" * 50_000, "keys": "AKIA" * 25_000, "assignments": "password=" * 12_000,
}  # fmt: skip
PLACES = ("{}", 'Revert "x" {}', "because {}", "Subject\n\n{}", "Subject\n\nbecause {}", "{}\n\nBody")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", TEXTS)
def test_no_reader_of_messages_hangs_on_it(name: str) -> None:
    for place in PLACES:
        message = place.format(TEXTS[name])
        commit = Commit("a" * 40, (), "Ann", "ann@example.org", 0, 0, 0, message)
        mentions.read_mentions(message)
        mentions.read_named(message)
        mentions.read_title(commit.subject, commit.body)
        assert len(prose.read_sentences(commit.subject, commit.body)) <= prose.MOST_SENTENCES
        assert len(answers.excerpt(commit)) <= 2 * answers.EXCERPT_MAX_CHARS
        answers.says_why(commit)
        reasons.find_reason(commit)
        without_secrets(message)
        terms.expand(message)
        terms.find_names(message)
        wording.canonical(message)
        patches.parse_patch(message)
