"""`ail-mcp` with the official SDK's client over stdio and a real daemon: tools, projects, refusals, hostile texts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from tests.assistants.conftest import Assistant, get_fields, get_text
from tests.client.conftest import ScriptedDaemon
from tests.hostile import CORPUS, PATHS, find_raw, write_history
from tests.integration.conftest import Repository
from tests.running import Home


def test_the_four_tools_are_told_as_read_only_with_schemas_of_what_they_return(assistant: Assistant) -> None:
    listed = assistant.within(lambda client: client.list_tools()).tools
    assert {tool.name for tool in listed} == {"history_ask", "history_related", "history_commit", "history_status"}
    for tool in listed:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.description
        assert tool.output_schema
    (ask,) = [tool for tool in listed if tool.name == "history_ask"]
    assert set(ask.input_schema["properties"]) == {
        "question",
        "path",
        "start_line",
        "end_line",
        "repo_path",
        "limit",
        "repos",
    }
    assert "required" not in ask.input_schema


def test_a_question_is_answered_by_a_daemon_that_is_started_for_it(
    assistant: Assistant, home: Home, enrolled: Repository
) -> None:
    home.stop()
    arguments = {"question": "why the retry?", "path": "upload.py", "start_line": 2}
    result = assistant.call("history_ask", enrolled.path, **arguments)
    answer = get_fields(result)
    assert answer["outcome"] == "answered"
    assert "because the second attempt opens a fresh connection." in answer["answer"]
    first = answer["citations"][0]
    assert (first["sha"], first["path"], first["line"]) == (enrolled.shas["retry"], "upload.py", 2)
    assert "untrusted" in answer["notice"]
    text = get_text(result)
    assert text.startswith(answer["notice"])
    assert "> Retry uploads once on idle connections (Ann Author)" in text.splitlines()


def test_a_place_alone_asks_why_it_is_so_and_nothing_at_all_is_refused(
    assistant: Assistant, enrolled: Repository
) -> None:
    answer = get_fields(assistant.call("history_ask", enrolled.path, path="upload.py", start_line=2))
    assert answer["citations"][0]["sha"] == enrolled.shas["retry"]
    assert "a question or a path is needed" in get_text(assistant.call("history_ask", enrolled.path, limit=3))


@pytest.mark.slow
def test_a_commit_is_shown_in_full_with_whether_it_changed_a_file(assistant: Assistant, enrolled: Repository) -> None:
    sha = enrolled.shas["retry"]

    async def call(client: Client) -> list[Any]:
        paths = ("./upload.py", "db.py")
        return [await client.call_tool("history_commit", {"sha": sha[:12], "path": path}) for path in paths]

    commit, other = map(get_fields, assistant.within(call, cwd=enrolled.path))
    assert (commit["sha"], commit["paths"], commit["touches_path"]) == (sha, ["upload.py"], True)
    assert "Proxies drop connections" in commit["message"]
    assert other["touches_path"] is False


@pytest.mark.slow
def test_status_lists_the_repositories(assistant: Assistant, enrolled: Repository) -> None:
    status = get_fields(assistant.call("history_status", enrolled.path))
    (listed,) = status["repositories"]
    assert (listed["path"], listed["commits"], listed["complete"]) == (str(enrolled.path), 3, True)
    assert status["project"] == str(enrolled.path)
    assert status["model"] is None


@pytest.mark.slow
def test_the_project_is_what_the_call_the_option_the_host_or_the_directory_names_in_this_order(
    assistant: Assistant, enrolled: Repository, tmp_path: Path
) -> None:
    def ask(client: Client) -> Any:
        return client.call_tool("history_ask", {"question": "why the retry?"})

    here, other = str(enrolled.path), tmp_path / "other"
    other.mkdir()
    assert get_fields(assistant.within(ask, cwd=enrolled.path))["repo"] == here
    assert get_fields(assistant.within(ask, cwd=other, CLAUDE_PROJECT_DIR=here))["repo"] == here
    assert (
        get_fields(assistant.within(ask, "--project", here, cwd=other, CLAUDE_PROJECT_DIR=str(other)))["repo"] == here
    )
    unknown = assistant.within(ask, "--project", "${workspaceFolder}", cwd=enrolled.path)
    assert get_fields(unknown)["repo"] == here, "a host that does not know the variable hands it on as it is"
    named = assistant.call("history_ask", other, question="why the retry?", repo_path=here)
    assert get_fields(named)["repo"] == here


@pytest.mark.slow
def test_files_are_named_from_the_root_or_the_project_also_when_they_are_gone(
    assistant: Assistant, home: Home, repo: Repository
) -> None:
    repo.commit("Add a page\n\nIt was needed because.", **{"deep/page__py": "x = 1\n"})
    repo.git("rm", "-q", "db.py")
    repo.commit("Drop the database")
    home.client("add", str(repo.path), "--wait")
    rows = (
        (None, "deep/page.py", "deep/page.py"),
        ("deep", "page.py", "deep/page.py"),
        ("deep", "deep/page.py", "deep/page.py"),
        (None, str(repo.path / "deep/page.py"), "deep/page.py"),
        (str(repo.path / "deep"), "db.py", "db.py"),
    )

    async def ask(client: Client) -> list[Any]:
        asked = ({"question": "why the page, why the database?", "repo_path": row[0], "path": row[1]} for row in rows)
        return [await client.call_tool("history_ask", arguments) for arguments in asked]

    for row, result in zip(rows, assistant.within(ask, cwd=repo.path), strict=True):
        assert row[2] in {citation["path"] for citation in get_fields(result)["citations"]}, row


REFUSED: tuple[tuple[str, dict[str, object], str], ...] = (
    ("history_ask", {"question": "--upload-pack=x"}, "question must be a text that does not begin with `-`"),
    ("history_ask", {"question": " "}, "question must be a text"),
    ("history_ask", {"question": "why?", "path": "-n"}, "path must be a text that does not begin"),
    ("history_ask", {"question": "why?", "path": "a\0b"}, "path must be a text"),
    ("history_ask", {"question": "why?", "path": "../../etc/passwd"}, "lies outside"),
    ("history_ask", {"question": "why?", "path": "/etc/passwd"}, "lies outside"),
    ("history_ask", {"question": "why?", "repo_path": "--help"}, "repo_path must be a text"),
    ("history_ask", {"question": "why?", "repo_path": "/nowhere"}, "/nowhere does not exist"),
    ("history_ask", {"question": "why?", "start_line": 3}, "lines need a path"),
    ("history_ask", {"question": "why?", "path": "upload.py", "start_line": 3, "end_line": 2}, "count from 1"),
    ("history_ask", {"question": "why?", "limit": 500}, "limit must be from 1 to 20"),
    ("history_ask", {"question": "why?", "path": "never.py"}, "no commit of"),
    ("history_ask", {"question": "x" * 200_000}, "longer than 100,000 bytes"),
    ("history_commit", {"sha": "--all"}, "sha must be a text"),
    ("history_commit", {"sha": "HEAD"}, "is no sha"),
    ("history_commit", {"sha": "0000000000"}, "no indexed commit"),
    ("history_related", {"paths": ["upload.py", "-rf"]}, "paths must be a text"),
    ("history_related", {}, "nothing is staged"),
)


@pytest.mark.slow
def test_what_cannot_be_meant_is_refused_with_a_sentence_the_model_sees(
    assistant: Assistant, enrolled: Repository
) -> None:
    async def call(client: Client) -> list[Any]:
        return [await client.call_tool(tool, arguments) for tool, arguments, _ in REFUSED]

    for refused, result in zip(REFUSED, assistant.within(call, cwd=enrolled.path), strict=True):
        assert result.is_error, refused
        assert refused[2] in get_text(result), refused


@pytest.mark.usefixtures("scripted")
def test_an_argument_that_there_is_not_is_refused_by_its_name(assistant: Assistant, repo: Repository) -> None:
    said = assistant.fail("history_ask", repo.path, question="why?", file="upload.py")
    assert "file" in said
    listed = assistant.within(lambda client: client.list_tools())
    assert all(tool.input_schema["additionalProperties"] is False for tool in listed.tools)


def test_no_error_names_an_option_of_a_command_line(assistant: Assistant, tmp_path: Path) -> None:
    assert "--" not in assistant.fail("history_ask", tmp_path, question="why?")


@pytest.mark.slow
def test_a_repository_that_was_not_added_or_is_none_is_said_with_what_the_user_can_do(
    assistant: Assistant, repo: Repository, tmp_path: Path
) -> None:
    async def call(client: Client) -> list[Any]:
        directories = (str(repo.path), str(tmp_path))
        return [await client.call_tool("history_ask", {"question": "why?", "repo_path": each}) for each in directories]

    not_added, none = assistant.within(call)
    assert "Hint for the user: ail-client add" in get_text(not_added)
    assert "lies in no git repository" in get_text(none)
    assert (not_added.is_error, none.is_error) == (True, True)


@pytest.mark.slow
def test_related_sends_files_or_what_is_staged(
    assistant: Assistant, scripted: ScriptedDaemon, repo: Repository
) -> None:
    cited = ScriptedDaemon.make_citation(relation="reverts", sentence="Proxies drop idle connections.")
    companion = {"path": "tests/test_http.py", "share": 0.8, "of": 10, "beside": "src/http.py"}
    scripted.script["related"] = {
        "repo": str(repo.path), "files": ["upload.py"], "outcome": "answered", "citations": [cited], "companions": [companion],
        "degraded": None, "index": None,
    }  # fmt: skip
    (repo.path / "upload.py").write_text("def upload():\n    send()\n")
    repo.git("add", "-A")

    async def call(client: Client) -> list[Any]:
        return [await client.call_tool("history_related", arguments) for arguments in ({"paths": ["upload.py"]}, {})]

    result, _ = assistant.within(call, cwd=repo.path)
    assert get_fields(result)["companions"] == [companion]
    assert "> tests/test_http.py usually changes with src/http.py: 8 of 10 times" in get_text(result)
    by_files, by_change = (params for name, params in scripted.calls if name == "related")
    assert by_files["files"] == [str(repo.path / "upload.py")]
    assert "\n-    retry(1)\n" in by_change["staged"]


@pytest.mark.slow
def test_hostile_commits_reach_no_assistant_raw_unbounded_or_unquoted(
    assistant: Assistant, home: Home, tmp_path: Path
) -> None:
    """Every commit of the corpus by its sha, shown and asked about."""
    shas = write_history(tmp_path / "project")
    home.client("add", str(tmp_path / "project"), "--wait")

    async def read(client: Client) -> list[Any]:
        shown = [await client.call_tool("history_commit", {"sha": sha}) for sha in shas]
        questions = [{"question": f"why was {sha} needed?", "limit": 20} for sha in shas]
        return shown + [await client.call_tool("history_ask", one) for one in questions]

    results = assistant.within(read, cwd=tmp_path / "project")
    assert len(results) == 2 * len(CORPUS)
    for result in results:
        check_is_harmless(get_text(result), get_fields(result))
    for sha, result in zip(shas, results[len(CORPUS) :], strict=True):
        assert sha in [citation["sha"] for citation in get_fields(result)["citations"]]


def check_is_harmless(text: str, fields: dict[str, Any]) -> None:
    assert find_raw(text) == []
    assert find_raw("".join(iter_texts(fields))) == []
    for line in text.splitlines():
        assert line.startswith(">") or not any(
            word in line for word in ("evil.example", "rm -rf", "Change ", "System:")
        )


def iter_texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in iter_texts(each)]
        case list():
            return [text for each in value for text in iter_texts(each)]
    return []


def test_what_a_commit_says_outside_its_message_is_told_once(
    assistant: Assistant, scripted: ScriptedDaemon, repo: Repository
) -> None:
    said = ("Proxies drop idle connections.", "Uploads are cut, because a disk is slow.", "Retry twice. Wait a second.")
    cited = [scripted.make_citation(sentence=sentence) for sentence in said[:2]]
    cited.append(scripted.make_citation(sentence=said[2], excerpt="- Retry twice.\n- Wait a\n  second."))
    scripted.script["ask"] = scripted.make_reply(citations=cited)
    result = assistant.call("history_ask", repo.path, question="why?")
    assert [one["sentence"] for one in get_fields(result)["citations"]] == list(said)
    assert [line for line in get_text(result).splitlines() if "It says too" in line] == [f"> It says too: {said[1]}"]


@pytest.mark.slow
def test_every_field_a_daemon_s_reply_has_is_made_safe(
    assistant: Assistant, scripted: ScriptedDaemon, repo: Repository
) -> None:
    """All fields hostile at once, one message after the other, errors among them."""
    texts = [entry.message.decode("utf-8", "surrogateescape") for entry in CORPUS]
    paths = [path.decode("utf-8", "surrogateescape") for path in PATHS]
    turns = iter(range(len(texts)))

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        number = next(turns)
        text, path = texts[number], paths[number % len(paths)]
        fields = ("subject", "author", "excerpt", "sentence", "reverted_by", "replaced_by", "author_time", "sha")
        cited = ScriptedDaemon.make_citation(**dict.fromkeys(fields, text), path=path, reasons=[text])
        return ScriptedDaemon.make_reply(
            repo=path, answer=text, outcome=text, degraded=text, citations=[cited] * params["limit"]
        )

    async def read(client: Client) -> list[Any]:
        return [await client.call_tool("history_ask", {"question": "why?"}) for _ in texts]

    scripted.script["ask"] = answer
    for result in assistant.within(read, cwd=repo.path):
        assert find_raw(get_text(result)) == []
        assert find_raw("".join(iter_texts(get_fields(result)))) == []


@pytest.mark.slow
def test_a_stopped_daemon_is_an_error_within_the_client_s_limit(
    assistant: Assistant, scripted: ScriptedDaemon, repo: Repository
) -> None:
    scripted.script["hello"] = b""
    assert "took the connection and said nothing" in assistant.fail("history_status", repo.path)


@pytest.mark.slow
def test_nothing_but_the_protocol_is_written_to_stdout_and_the_end_of_input_ends_it(
    home: Home, repo: Repository
) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}}  # fmt: skip
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "history_status", "arguments": {}}}
    lines = [hello, {"jsonrpc": "2.0", "method": "notifications/initialized"}, call]
    done = home.run("ail-mcp", input="".join(json.dumps(line) + "\n" for line in lines), cwd=repo.path, timeout=60)
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()][:1] == [1]


def test_without_the_extra_the_program_says_what_to_install_and_exits_69(home: Home) -> None:
    code = "import sys; sys.modules['mcp'] = None; import importlib.util as u; f = u.find_spec\n"
    code += "u.find_spec = lambda name, *rest: None if name == 'mcp' else f(name, *rest)\n"
    code += "from ail_mcp.cli import main; sys.exit(main())"
    done = subprocess.run(
        [home.run("which", "python").stdout.strip(), "-c", code],
        env=home.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert done.stdout == ""
    assert done.stderr.splitlines()[1] == "hint: pip install 'archaeological-intelligence[mcp]'"


def test_mcp_config_prints_what_each_host_reads(home: Home) -> None:
    for host, key in (("claude", "mcpServers"), ("cursor", "mcpServers"), ("vscode", "servers")):
        done = home.client("mcp-config", host)
        (server,) = json.loads(done.stdout)[key].values()
        assert done.returncode == 0
        assert Path(server["command"]).name == "ail-mcp"
        assert Path(server["command"]).is_absolute()
        assert ("${workspaceFolder}" in server["args"]) == (host != "claude")
        assert "add this to" in done.stderr
    assert not home.socket.exists()
    assert home.client("mcp-config", "emacs").returncode == 2


def test_a_question_over_every_repository_names_that_of_each_commit(assistant: Assistant, enrolled: Repository) -> None:
    answer = get_fields(assistant.call("history_ask", enrolled.path, question="why do we retry uploads?", repos="*"))
    assert answer["citations"][0]["repo"] == str(enrolled.path)
    said = get_text(assistant.call("history_ask", enrolled.path, question="why?", repos="*", path="upload.py"))
    assert "a question alone is asked" in said
