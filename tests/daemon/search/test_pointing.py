"""Lines, files and directories that a question only points at ("why is this so?"): told by what is about them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.daemon.search.conftest import REASON

from ail_daemon.search import search

BESIDE = """
    git init -q r; cd r
    printf 'def width(text):\\n    return len(text)\\n' > text.py; git add -A; commit -m 'Measure text'
    printf 'def clean(text):\\n    return text.strip()\\n\\n\\n' | cat - text.py > new; mv new text.py; git add -A
    commit -m 'Strip text

Terminals printed garbage, because control characters were left in what people had pasted.'
    sed -i 's/len(text)/count(text)/' text.py; git add -A; commit -m 'Count by graphemes'
"""


@pytest.mark.parametrize("ask", [BESIDE], indirect=True)
def test_a_line_alone_is_answered_by_the_commits_that_made_it_and_not_by_others_of_its_file(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_SMALL", 0)  # judged as long histories are
    reply = ask("why is this so?", "text.py", 6)
    assert reply["citations"][0]["subject"] == "Count by graphemes"
    assert "Terminals" not in reply["answer"]
    assert reply["outcome"] == "no_reason_recorded"
    assert "Terminals" in ask("why is this so?", "text.py", 2)["answer"]


MOVED = """
    git init -q r; cd r
    printf 'def push(frame):\n    stack.append(frame)\n' > stack.py; git add -A; commit -m 'Clean up the stack logic

Move frame definitions to stack.py'
"""


@pytest.mark.parametrize("ask", [MOVED], indirect=True)
def test_what_was_done_is_not_told_as_a_likely_reason(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_SMALL", 0)  # judged as long histories are
    reply = ask("why is this so?", "stack.py", 2)
    assert (reply["outcome"], reply["confidence"] <= 0.1) == ("no_reason_recorded", True)
    assert reply["evidence"][0]["text"] == "Move frame definitions to stack.py"
    assert reply["answer"].startswith("Clean up the stack logic")


OTHER = """
    git init -q r; cd r
    printf 'import net\\n' > peer.py; git add -A; commit -m 'Begin'
    (for n in $(seq 20); do echo "part$n = net.part($n)"; done
     echo '# We wait here, because the peer may still send its last frame.'; echo 'net.wait()') >> peer.py
    git add -A; commit -m 'Name all parts

Each part had to be looked up anew, so that a stop took seconds.'
"""


@pytest.mark.parametrize("ask", [OTHER], indirect=True)
def test_a_line_that_is_only_pointed_at_is_not_told_by_a_comment_on_other_code(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_SMALL", 0)  # judged as long histories are
    assert ask("why is this so?", "peer.py", 3)["answer"].startswith("Each part had to be looked up anew")
    assert REASON in ask("why is this so?", "peer.py", 23)["answer"]
    sure = ask("why is every part named, so that a stop takes no seconds?", "peer.py", 3)
    assert sure["confidence"] > ask("why is this so?", "peer.py", 3)["confidence"]


PARTS = """
    git init -q r; cd r
    (echo '/**'
     echo ' * Applies the template.'
     echo ' * @param {Dependency} dependency the dependency for which the template should be applied'
     echo ' * @param {boolean} lazy lazy because the template may have side effects'
     echo ' */'
     echo 'function apply(dependency, lazy) { return dependency.apply(); }') > apply.js; git add -A; commit -m 'Apply templates'
"""


@pytest.mark.parametrize("ask", [PARTS], indirect=True)
def test_what_a_parameter_is_is_no_reason_unless_it_names_one(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_SMALL", 0)  # judged as long histories are
    told = [one["text"] for one in ask("why is this so?", "apply.js", 6)["evidence"]]
    assert told == ["@param {boolean} lazy lazy because the template may have side effects"]
    told = [one["text"] for one in ask("which template should be applied for a dependency?", "apply.js")["evidence"]]
    assert not [text for text in told if "should be applied" in text]


MADE = """
    git init -q r; cd r
    echo 'send = None' > queue.py; git add -A; commit -m 'Add a queue before the sender

The store could not be reached for minutes at a time, so that samples have to wait somewhere.'
    git mv queue.py waiting.py; git add -A; commit -m 'Rename the queue'
    echo 'send = 1' > waiting.py; git add -A
    commit -m 'Send one at a time

Two at once came in the wrong order, because nothing held the second one back.'
"""


@pytest.mark.parametrize("ask", [MADE], indirect=True)
def test_a_file_alone_is_answered_by_what_the_commit_that_made_it_says(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_SMALL", 0)  # judged as long histories are
    reply = ask("why is this so?", "waiting.py")
    assert reply["citations"][0]["subject"] == "Add a queue before the sender"
    assert "could not be reached" in reply["answer"]
    assert (
        reply["confidence"] == 0.6
    )  # as such answers were read to be right, not as the trees see a question without words
    assert "wrong order" in ask("why is only one sent at a time?", "waiting.py")["answer"]


OPENING = """
    git init -q r; cd r
    printf '# Sends samples to a store that is often away.\n\nsend = None\n' > queue.py; git add -A; commit -m 'Add a queue'
    printf '\n# One at a time, because two came in the wrong order.\nmost = 1\n' >> queue.py; git add -A; commit -m 'Send one'
"""


@pytest.mark.parametrize("ask", [OPENING], indirect=True)
def test_a_file_alone_that_was_made_with_a_title_is_told_by_what_it_begins_with(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_SMALL", 0)
    reply = ask("why is this so?", "queue.py")
    assert reply["answer"].startswith("Sends samples to a store that is often away.")
    assert (reply["evidence"][0]["line_now"], reply["citations"][0]["subject"]) == (1, "Add a queue")


MIXED = """
    git init -q r; cd r
    echo 'send = 1' > send.py; printf '# We wait here, because the peer may still send.\nwait = 1\n' > stop.py
    printf '## Limits\n\nOne at a time is sent, because two came in the wrong order.\n' > limits.md
    git add -A; commit -m 'Begin'
"""


@pytest.mark.parametrize("ask", [MIXED], indirect=True)
@pytest.mark.parametrize("line", [1, None])
def test_a_place_alone_is_not_answered_by_a_comment_of_another_file(ask: Any, line: int | None) -> None:
    assert {one["path"] for one in ask("why is this so?", "send.py", line)["evidence"]} == {"limits.md"}
    assert "stop.py" in {one["path"] for one in ask("why do we wait for the peer?", "send.py", line)["evidence"]}


BELOW = """
    git init -q r; cd r; mkdir net
    printf '# We wait here, because the peer may still send.\nwait = 1\n' > net/stop.py; git add -A; commit -m 'Begin'
"""


@pytest.mark.parametrize("ask", [BELOW], indirect=True)
def test_a_directory_alone_is_answered_by_comments_of_its_files(ask: Any) -> None:
    assert [one["path"] for one in ask("why is this so?", "net")["evidence"]] == ["net/stop.py"]
