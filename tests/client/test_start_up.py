from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ail_client.arguments import parse_command
from ail_client.quick import TIMEOUT_VARIABLE, parse_plain

if TYPE_CHECKING:
    from tests.client.conftest import Runner, ScriptedDaemon

pytestmark = pytest.mark.usefixtures("repo")

# The measured cost of each beside what the client has anyway: 1 to 40 ms of a budget of 24.
TOO_DEAR = {
    "asyncio", "concurrent", "ctypes", "dataclasses", "email", "http", "importlib.metadata", "inspect", "json",
    "logging", "pathlib", "random", "shutil", "ssl", "subprocess", "tempfile", "textwrap", "threading", "traceback",
    "typing", "unicodedata", "urllib", "difflib", "signal", "ail_client.spawn", "ail_client.tables",
    "ail_client.administration", "ail_client.columns", "ail_client.manual", "ail_client.matching", "ail_client.pager",
    "ail_client.remotes", "ail_client.suggestions",
}  # fmt: skip
ALLOWED = {
    "argparse", "array", "collections", "copyreg", "datetime", "enum", "errno", "fcntl", "functools", "gc", "gettext",
    "itertools", "keyword", "math", "operator", "re", "reprlib", "struct", "types",
    "warnings", "locale", "contextlib", "cython_runtime", "ail_client", "ail_rpc", "msgpack",
}  # fmt: skip


def get_new_modules(client: Runner, *args: str) -> set[str]:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from ail_client.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "sys.stderr.write('\\n'.join(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=client.cwd, env=client.env, capture_output=True, text=True, check=True
    )
    assert "Proxies drop" in done.stdout
    return set(done.stderr.split())


def test_a_question_imports_nothing_that_costs_more_than_it_gives(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    modules = get_new_modules(client, "ask", "src/http.py:120", "why the retry?")
    assert modules & TOO_DEAR == set()
    tops = {module.partition(".")[0] for module in modules if not module.startswith("_")}
    assert tops - ALLOWED == set()


@pytest.mark.parametrize("place", [[], ["src/http.py:120"]])
def test_a_question_in_words_alone_needs_neither_argparse_nor_msgpack(
    client: Runner, daemon: ScriptedDaemon, place: list[str]
) -> None:
    """They, and the modules that they bring, were half of the client's own time."""
    daemon.script["ask"] = daemon.make_reply()
    modules = get_new_modules(client, "ask", *place, "why the retry?")
    assert (
        modules & {"argparse", "re", "enum", "collections", "functools", "msgpack", "datetime", "locale", "fcntl"}
        == set()
    )


def test_words_alone_are_read_as_argparse_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TIMEOUT_VARIABLE, raising=False)
    for words in ([], ["why?"], ["src/http.py:120", "why the retry?"], ["a", "b", "c"], [""]):
        plain = parse_plain(words)
        assert plain is not None
        assert vars(plain) == vars(parse_command("ask", words, "git why"))


@pytest.mark.parametrize("words", [["why?", "--json"], ["-n", "3", "why?"], ["--", "why?"], ["-"]])
def test_options_are_left_to_argparse(words: list[str]) -> None:
    assert parse_plain(words) is None


def test_a_time_limit_of_the_environment_is_left_to_argparse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_VARIABLE, "2")
    assert parse_plain(["why?"]) is None


def test_the_program_writes_all_and_ends_with_the_status(client: Runner, daemon: ScriptedDaemon) -> None:
    """It leaves without the interpreter's clean-up, which would flush the streams."""
    daemon.script["ask"] = daemon.make_reply(outcome="no_evidence", citations=[], answer="")
    code = "import sys; sys.argv = ['git-why', 'why?']; print('kept'); from ail_client.cli import run_why; run_why()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=client.cwd, env=client.env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "kept\n")
    assert "No evidence" in done.stderr


def test_json_is_imported_only_for_json(client: Runner, daemon: ScriptedDaemon) -> None:
    daemon.script["ask"] = daemon.make_reply()
    assert "json" in get_new_modules(client, "ask", "why?", "--json")
