from __future__ import annotations

import random
import time
from string import ascii_letters, ascii_lowercase, digits

import pytest
from tests.secret_corpus import HARMLESS, SECRETS, find_kept, write_line

from ail_daemon.text.redaction import without_secrets


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_left_out_of_a_changed_line(name: str) -> None:
    line = "".join(f"+{part}\n" for part in write_line(name).split("\n"))
    assert name in find_kept(line.encode())
    assert name not in find_kept(without_secrets(line).encode()), without_secrets(line)


@pytest.mark.parametrize(
    "letters", [ascii_letters + digits + "+/", ascii_lowercase + digits, ascii_letters + digits + "-_"]
)
def test_a_random_key_is_not_taken_for_a_path(letters: str) -> None:
    dice = random.Random(7)
    for _ in range(5000):
        key = "a" + "".join(dice.choices(letters, k=30)) + "7"
        assert key not in without_secrets(f"key {key} here")


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    assert without_secrets(line) == line


def test_what_stands_around_a_secret_stays() -> None:
    text = (
        "+connect('postgres://ledger:hunter2x@db.example.org', retries=3)\n+password = 'abc123def' # for CI\n+done()\n"
    )
    kept = without_secrets(text)
    assert "db.example.org', retries=3" in kept
    assert "# for CI\n+done()" in kept
    assert "hunter2x" not in kept
    assert "abc123def" not in kept


@pytest.mark.parametrize(
    "text",
    ["://" * 20_000, "://a:" * 15_000, "-----BEGIN PRIVATE KEY-----" * 2500, "password='" * 7000, "eyJ" * 20_000,
     "eyJaaaaaaaa." * 5000, "token: " * 9000, "xoxb-" * 13_000, "secret" * 11_000, "AKIA" * 16_000, "key=" * 16_000],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    without_secrets(text)
    assert time.process_time() - started < 1
