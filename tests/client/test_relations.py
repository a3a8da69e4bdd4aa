from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.terminals import Terminal

from ail_client.relations import describe_citation, describe_companion

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")
HOSTILE = "\x1b]52;c;eA==\x07\u202e\u2028\r\n\x9b2J\udcff"


def make_related(daemon: ScriptedDaemon, **changes: object) -> dict[str, Any]:
    citation = daemon.make_citation(relation="tried_before", sentence="taken back by 0123456789: it hung.")
    companion = {"path": "page.html", "share": 0.9, "of": 10, "beside": "view.py"}
    return daemon.make_reply(citations=[citation], companions=[companion]) | changes


def test_each_finding_is_one_line(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = make_related(daemon)
    done = client.run("related", "src/http.py")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "4f1c2d9e4f was tried before (2026-05-04, Jane Doe, src/http.py:121): Retry once on idle connections — taken back by "
        "0123456789: it hung.",
        "page.html usually changes with view.py: 9 of 10 times",
    ]
    assert daemon.get_params("related")["files"] == ["src/http.py"]


def test_in_colour_the_sha_is_painted_and_linked_as_everywhere(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = make_related(daemon)
    seen = Terminal(client).run("related", "src/http.py")
    assert (seen.status, seen.notes) == (0, "")
    assert "\x1b[35m4f1c2d9e4f\x1b[0m was tried before" in seen.screen


def test_a_missing_file_alone_is_something_too(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = make_related(daemon, citations=[])
    done = client.run("related", "src/http.py", "--format", "grep")
    assert (done.returncode, done.stdout) == (
        0,
        "page.html:1:1: page.html usually changes with view.py: 9 of 10 times\n",
    )


def test_nothing_found_exits_1_and_says_so(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = make_related(daemon, citations=[], companions=[], outcome="no_evidence")
    done = client.run("related", "src/http.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Nothing in the history bears on this.")


def test_a_range_is_sent_as_it_is(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = make_related(daemon)
    client.run("related", "--range", "main..HEAD")
    assert daemon.get_params("related")["range"] == "main..HEAD"
    assert "staged" not in daemon.get_params("related")


@pytest.mark.parametrize("word", ["HEAD~1..HEAD", "origin/main...HEAD", "v1.0..feature/x"])
def test_a_range_is_understood_where_files_are_named(client: Runner, daemon: ScriptedDaemon, word: str) -> None:
    daemon.script["related"] = make_related(daemon)
    client.run("related", word)
    assert daemon.get_params("related")["range"] == word


@pytest.mark.parametrize("word", ["a..b", "src/../src/x.py", "../x.py", "x.."])
def test_a_file_or_a_path_with_dots_is_no_range(client: Runner, daemon: ScriptedDaemon, word: str) -> None:
    daemon.script["related"] = make_related(daemon)
    Path(client.cwd, "a..b").write_text("")
    client.run("related", word)
    assert all("range" not in params for method, params in daemon.calls if method == "related")


def test_what_is_staged_is_sent_as_a_diff_that_nothing_configured_has_touched(
    client: Runner, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.script["related"] = make_related(daemon)
    root = Path(client.cwd)
    canary = tmp_path / "canary"
    for key, value in {
        "diff.external": f"touch {canary}", "diff.noprefix": "true", "color.ui": "always", "diff.mnemonicPrefix": "true",
        "core.fsmonitor": f"touch {canary}", "diff.x.textconv": f"touch {canary}", "diff.context": "9",
    }.items():  # fmt: skip
        subprocess.run(["git", "config", key, value], cwd=root, check=True)
    (root / "new.py").write_text("one line\n")
    (root / ".gitattributes").write_text("*.py diff=x\n")
    subprocess.run(["git", "add", "new.py", ".gitattributes"], cwd=root, check=True)
    canary.unlink(missing_ok=True)
    client.run("related", "--staged")
    staged = daemon.get_params("related")["staged"]
    assert "diff --git a/new.py b/new.py\n" in staged
    assert "@@ -0,0 +1 @@\n+one line\n" in staged
    assert not canary.exists()


def test_no_control_character_of_a_reply_is_printed() -> None:
    citation: dict[str, object] = {
        "sha": HOSTILE,
        "relation": HOSTILE,
        "subject": HOSTILE,
        "sentence": HOSTILE * 1000,
        "author": HOSTILE,
    }
    citation |= {"author_time": HOSTILE, "path": HOSTILE, "line": 7}
    companion: dict[str, object] = {"path": HOSTILE, "share": 1.0, "of": 7, "beside": HOSTILE}
    for line in (describe_citation(citation), describe_companion(companion)):
        assert line.isprintable()
        assert len(line) <= 300
