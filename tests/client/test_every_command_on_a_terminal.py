"""Every command that prints, on a terminal with colour, narrow, usual and wide: what breaks only where somebody looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wcwidth
from tests.client.terminals import Terminal

from ail_client.arguments import COMMANDS
from ail_rpc.errors import NotEnrolledError

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

SHA = "4f1c2d9e" * 5
LONG = "Proxies drop idle connections after a minute and tell nobody of it, so the first upload fails. " * 3

LAID_OUT = {
    "ask": ["ask", "why the retry?"], "related": ["related", "src/http.py"], "show": ["show", "4f1c"],
    "repos": ["repos"], "status": ["status"], "doctor": ["doctor"], "flags": ["flags"],
}  # fmt: skip
"""Those that are laid out for the terminal's width."""

PRINTED = {
    "grep": ["related", "src/http.py", "--format", "grep"], "json": ["related", "src/http.py", "--json"],
    "add": ["add"], "remove": ["remove"], "health": ["health", "ready"], "metrics": ["metrics"],
    "stats": ["cache", "stats"], "clear": ["cache", "clear"], "changed": ["flags", "AIL_REFS=tags"], "reload": ["reload"],
    "index": ["check", "index"], "consistency": ["check", "consistency"], "backup": ["backup", "b"], "restore": ["restore", "b"],
    "mcp": ["mcp-config", "claude"],
}  # fmt: skip
"""Those whose lines are as long as what they tell."""


@pytest.fixture(autouse=True)
def told(repo: Path, daemon: ScriptedDaemon) -> None:
    """Have the daemon tell something of every kind."""
    repo.joinpath(".git", "config").write_text('[remote "origin"]\n\turl = https://github.com/o/r.git\n')
    cited = daemon.make_citation(relation="same_lines", sentence=LONG, reverted_by="b" * 40, excerpt=LONG)
    other = daemon.make_citation(sha="ab" * 20, relation="tried_before", sentence=LONG, subject=LONG)
    companion = {"path": f"{'deep/' * 20}page.html", "share": 0.9, "of": 10, "beside": f"{'deep/' * 20}view.py"}
    state = {
        "path": str(repo), "commits": 1200, "total": 16715, "pending": 0, "complete": True, "phase": "idle", "ok": True,
        "notice": None, "updated_by": "hook", "watched": "polled: no watches are left", "found": {"missing": 2},
    }  # fmt: skip
    flag = {"name": "AIL_REFS", "value": ["branches", "remotes", "tags", "worktrees"], "origin": "default"}
    tier = {"entries": 3, "size": 1000, "hits": 4, "misses": 5, "evictions": 0, "bytes": 3000}
    daemon.script |= {
        "ask": daemon.make_reply(answer=f"{LONG}({SHA[:10]})", citations=[cited, other]),
        "related": daemon.make_reply(citations=[cited, other], companions=[companion]),
        "show": {**cited, "message": f"Subject\n\n{LONG}", "paths": ["src/http.py"]},
        "status": {"pid": 7, "socket": "/s", "version": "0.1.0", "model": "all-MiniLM", "uptime_s": 61, "rss_bytes": 1,
                   "repos": [state], "notice": LONG},
        "doctor": {"ok": True, "checks": [{"name": n, "state": n, "said": LONG, "todo": LONG} for n in ("ok", "warn", "fail")]},
        "repo.list": {"repos": [state]}, "repo.add": state, "repo.remove": {}, "health": {"ok": True},
        "metrics": "# TYPE a counter\na 1\n", "cache.stats": {"exact": tier, "similar": tier, "embeddings": tier},
        "cache.clear": {"exact": 1, "similar": 2}, "flags": {"flags": [flag], "changed": [flag], "applying": ["AIL_MODEL"]},
        "reload": {"changed": [flag], "applying": []}, "check.index": {"ok": True, "repos": [state]},
        "check.consistency": {"ok": True, "bar": 0.9, "repos": [{**state, "asked": 1, "subjects": {"asked": 1, "rate": 1.0}}]},
        "backup": {"repos": [state], "file": "/b", "size_bytes": 5, "took_s": 1.0},
        "restore": {"repos": [state], "file": "/b", "took_s": 1.0},
    }  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 160])
@pytest.mark.parametrize("name", [*LAID_OUT, *PRINTED])
def test_every_command_prints_on_a_terminal_with_colour(client: Runner, name: str, columns: int) -> None:
    seen = Terminal(client, columns).run(*(LAID_OUT | PRINTED)[name])
    assert "bug of ours" not in seen.notes
    assert seen.status == (1 if name == "doctor" else 0), seen.notes
    assert "\x1b" not in seen.text
    if name in LAID_OUT:
        assert "\x1b[" in seen.screen
        wide = [line for line in seen.text.split("\n") if wcwidth.wcswidth(line) > columns and " " in line.strip()]
        assert wide == []


def test_no_command_is_left_out() -> None:
    tried = {words[0] for words in (LAID_OUT | PRINTED).values()}
    assert set(COMMANDS) - tried == {"stop"}  # prints nothing to stdout; what it ends is not ours


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_printed_on_a_terminal(client: Runner, name: str) -> None:
    seen = Terminal(client, 60).run(*filter(None, (name, "--help")))
    assert (seen.status, seen.notes) == (0, "")


def test_an_error_is_told_beside_a_terminal(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["related"] = NotEnrolledError("it is not enrolled", "ail-client add")
    seen = Terminal(client).run("related", "src/http.py")
    assert (seen.status, seen.screen, seen.notes) == (
        5, "", "ail-client: it is not enrolled\nhint: ail-client add\n"
    )  # fmt: skip


def test_a_finding_s_sha_is_coloured_and_linked_as_a_citation_s(client: Runner) -> None:
    screen = Terminal(client).run("related", "src/http.py").screen
    link = f"\x1b]8;;https://github.com/o/r/commit/{SHA}\x1b\\"
    named = f"{link}\x1b[35m{SHA[:10]}\x1b[0m\x1b]8;;\x1b\\"
    assert screen.startswith(f"{named} last wrote these lines (2026-05-04, Jane Doe, src/http.py:121):")


def test_what_the_hook_tells_is_the_same_on_a_terminal(client: Runner) -> None:
    seen = Terminal(client, 60).run("status", room="ail_hooks.cli")
    assert seen.status == 1, seen.notes
    assert "post-commit" in seen.text
