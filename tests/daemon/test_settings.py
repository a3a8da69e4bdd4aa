"""Settings: where they come from, which are refused and in which words."""

from __future__ import annotations

import os
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from ail_daemon.settings import Settings, get_child_environment, load_settings
from ail_rpc.errors import UsageError

pytestmark = pytest.mark.usefixtures("no_settings")


def write_settings(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config" / "ail" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_without_file_and_environment_the_defaults_are_the_contracts() -> None:
    found = asdict(load_settings())
    assert found.pop("max_workers") == len(os.sched_getaffinity(0))
    added = {name: found.pop(name) for name in ("refs", "shadow", "watch", "reconcile_s")}  # beside the contract's
    refs = ("branches", "remotes", "tags", "worktrees")
    assert added == {"refs": refs, "shadow": 0, "watch": True, "reconcile_s": 55.0}
    limits = {name: found.pop(name) for name in list(found) if name.startswith("max_") and name != "max_query_time_s"}
    assert limits == {
        "max_repos": 1000, "max_commits": 2_000_000, "max_refs": 100_000, "max_paths": 100_000,
        "max_message_bytes": 256 << 10, "max_diff_bytes": 64 << 10, "max_question_bytes": 100_000, "max_clients": 256,
        "max_silence_s": 300.0,
    }  # fmt: skip
    assert found == {
        "model": "all-MiniLM-L6-v2",
        "encoder": "prepared",
        "faiss_enabled": True,
        "faiss_fallback": True,
        "faiss_required_confidence": 0.5,
        "faiss_rollout": 100,
        "faiss_similarity_threshold": 0.85,
        "cache_size": 1000,
        "faiss_cache_size": 100,
        "faiss_cache": True,
        "embed_on_battery": False,
        "bundles": (),
        "bundle_signers": None,
        "max_query_time_s": 5.0,
        "batch_size": 32,
        "log_level": "INFO",
        "log_file": None,
        "metrics_port": None,
        "idle_exit_s": None,
        "github_token": None,
        "github_owner": None,
        "github_repo": None,
        "github_api_url": "https://api.github.com",
    }


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path, 'ail_cache_size = 5\nAIL_BATCH_SIZE = 6\nFAISS_ROLLOUT = 7\nail_log_level = "debug"\n')
    monkeypatch.setenv("AIL_BATCH_SIZE", "60")
    found = load_settings()
    assert (found.cache_size, found.batch_size, found.faiss_rollout, found.log_level) == (5, 60, 7, "DEBUG")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIL_METRICS_PORT", "")
    assert load_settings().metrics_port is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIL_MODEL", None),
        ("AIL_ENCODER", "cuda"),
        ("AIL_FAISS_ENABLED", "maybe"),
        ("AIL_FAISS_FALLBACK", "2"),
        ("AIL_FAISS_REQUIRED_CONFIDENCE", "nan"),
        ("FAISS_ROLLOUT", "101"),
        ("FAISS_SIMILARITY_THRESHOLD", "-0.1"),
        ("AIL_CACHE_SIZE", "-1"),
        ("FAISS_CACHE_SIZE", "many"),
        ("AIL_FAISS_CACHE", "?"),
        ("AIL_MAX_QUERY_TIME_S", "0"),
        ("AIL_MAX_QUERY_TIME_S", "inf"),
        ("AIL_BATCH_SIZE", "0"),
        ("AIL_MAX_WORKERS", "1.5"),
        ("AIL_LOG_LEVEL", "loud"),
        ("AIL_LOG_FILE", "relative/log"),
        ("AIL_METRICS_PORT", "70000"),
        ("GITHUB_TOKEN", "two words"),
        ("GITHUB_TOKEN", "ghp_x\r\nHost: evil.example"),
        ("GITHUB_OWNER", "o/r"),
        ("GITHUB_REPO", ".."),
        ("GITHUB_API_URL", "http://api.github.com"),
        ("GITHUB_API_URL", "https://user@api.github.com"),
        ("GITHUB_API_URL", "https://api.github.com/?x="),
        ("GITHUB_API_URL", "http://127.0.0.1.evil.example"),
        ("GITHUB_API_URL", "file:///etc/passwd"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_it_may_be(
    variable: str, value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        write_settings(tmp_path, f"{variable} = ''\n")
    else:
        monkeypatch.setenv(variable, value)
    may_be = {one.metadata["variable"]: one.metadata["may_be"] for one in fields(Settings)}[variable]
    with pytest.raises(UsageError) as refused:
        load_settings()
    assert refused.value.message == f"{variable} must be {may_be}"
    assert refused.value.hint.endswith("config.toml" if value is None else "the environment")


def test_a_token_is_shown_by_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    found = load_settings()
    assert found.github_token == "hunter2"  # noqa: S105 - no secret
    assert "hunter2" not in f"{found!r} {found}"


def test_a_wrong_token_is_not_repeated(tmp_path: Path) -> None:
    write_settings(tmp_path, "github_token = 12345678\n")
    with pytest.raises(UsageError) as refused:
        load_settings()
    assert "12345678" not in f"{refused.value.message} {refused.value.hint} {refused.value.__cause__!r}"


def test_a_name_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    file = write_settings(tmp_path, "ail_cash_size = 5\n")
    with pytest.raises(UsageError) as refused:
        load_settings()
    assert refused.value.message == f"{file} sets AIL_CASH_SIZE, which is no setting"
    assert "AIL_CACHE_SIZE" in refused.value.hint


@pytest.mark.parametrize("text", ["ail_cache_size = \n", "\x00"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    file = write_settings(tmp_path, text)
    with pytest.raises(UsageError, match=str(file)):
        load_settings()


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        load_settings().cache_size = 3  # type: ignore[misc]


def test_children_get_the_environment_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("GITHUB_OWNER", "octo")
    given = get_child_environment()
    assert "hunter2" not in given.values()
    assert (given["GITHUB_OWNER"], given["PATH"]) == ("octo", os.environ["PATH"])
