"""What GitHub's answers mean, whoever answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.forge import tell_request

from ail_daemon.github.__main__ import BODY_MAX_BYTES, TITLE_MAX, ProblemError, choose, judge, read_body

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait_s"),
    [
        (401, {}, "bad_token", None),
        (403, {}, "forbidden", None),
        (403, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1000060"}, "forbidden", None),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000060"}, "limited", 61),
        (403, {"retry-after": "30"}, "limited", 30),
        (429, {}, "limited", None),
        (429, {"retry-after": "9" * 100}, "limited", 86_400),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "limited", None),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "limited", 1),
        (404, {}, "not_found", None),
        (301, {}, "redirected", None),
        (409, {}, "failing", None),
        (503, {"retry-after": "7"}, "failing", 7),
    ],
)
def test_each_status_has_its_meaning_and_a_wait_where_one_is_asked_for(
    status: int, headers: dict[str, str], kind: str, wait_s: int | None
) -> None:
    judged = judge(status, headers, NOW)
    assert (judged.kind, judged.wait_s) == (kind, wait_s)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"\xff", b"[" * 100_000, b"[" + b"9" * 10_000 + b"]", b" " * BODY_MAX_BYTES + b"[]"],
)
def test_what_is_no_list_is_garbled(body: bytes) -> None:
    with pytest.raises(ProblemError, match="garbled"):
        read_body(body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": True}, {"number": "7"}, {"number": -7}, {"number": 1 << 70}, {"title": None}, {"html_url": 7},
        {"html_url": "javascript:alert(1)"}, {"html_url": "https://github.com/\x1b[2J"}, {"html_url": "https://" + "a" * 999},
    ],
)  # fmt: skip
def test_a_pull_request_that_is_not_well_formed_is_left_out(wrong: dict[str, Any]) -> None:
    body = json.dumps([tell_request(1, "Broken") | wrong, "x", None, tell_request(2, "Sound")]).encode()
    assert [one["number"] for one in read_body(body)] == [2]


def test_titles_are_cut_and_can_be_sent_on() -> None:
    (read,) = read_body(b'[{"number": 1, "html_url": "https://x", "title": "\\ud800' + b"t" * 999 + b'"}]')
    assert len(read["title"]) == TITLE_MAX
    assert read["title"].startswith("?t")
    assert read["state"] == "closed"


def test_the_one_that_was_merged_first_is_chosen() -> None:
    body = [
        tell_request(3, "Open", state="open", merged_at=None),
        tell_request(9, "Backport"),
        tell_request(5, "Merged"),
        tell_request(4, "Closed", merged_at=None),
    ]
    assert (chosen := choose(read_body(json.dumps(body).encode())))
    assert (chosen["number"], chosen["state"]) == (5, "merged")
    assert choose([]) is None
