"""Settings while the daemon runs: where each comes from, all or nothing, who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ail_daemon.flags import Flags
from ail_daemon.settings import VARIABLES, Settings, read_settings
from ail_rpc.errors import UsageError

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "config" / "ail").mkdir(parents=True)
    return tmp_path / "config" / "ail" / "config.toml"


@pytest.fixture
def flags() -> Flags:
    return Flags(read_settings())


def get(flags: Flags, name: str) -> tuple[Any, str]:
    return next((flag.value, flag.origin) for flag in flags.get() if flag.name == name)


def test_each_value_is_told_with_its_origin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("ail_cache_size = 5\nail_batch_size = 6\n")
    monkeypatch.setenv("AIL_BATCH_SIZE", "60")
    flags = Flags(read_settings())
    flags.set({"faiss_rollout": "20"})
    assert get(flags, "AIL_CACHE_SIZE") == (5, "file")
    assert get(flags, "AIL_BATCH_SIZE") == (60, "environment")
    assert get(flags, "FAISS_ROLLOUT") == (20, "flags")
    assert get(flags, "AIL_WATCH") == (True, "default")
    assert [flag.name for flag in flags.get()] == list(VARIABLES)


@pytest.mark.parametrize("name", ["faiss_enabled", "AIL_FAISS_ENABLED", "Ail_Faiss_Enabled", "FAISS_ENABLED"])
def test_a_setting_is_known_by_its_variable_or_its_short_name_in_any_case(flags: Flags, name: str) -> None:
    changed = flags.set({name: "off"})
    assert [(flag.name, flag.value) for flag in changed] == [("AIL_FAISS_ENABLED", False)]
    assert flags.current.faiss_enabled is False


def test_values_may_be_typed_or_texts(flags: Flags) -> None:
    flags.set({"faiss_rollout": 20, "refs": ["tags"], "reconcile_s": "2.5"})
    assert (flags.current.faiss_rollout, flags.current.refs, flags.current.reconcile_s) == (20, ("tags",), 2.5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"FAISS_ROLLOUT": "101"}, "FAISS_ROLLOUT must be a whole number from 0 to 100, per cent"),
        ({"FAISS_ROLLOUT": "-1"}, "FAISS_ROLLOUT must be a whole number from 0 to 100, per cent"),
        ({"FAISS_ROLLOUT": "abc"}, "FAISS_ROLLOUT must be a whole number from 0 to 100, per cent"),
        ({"FAISS_ROLLOUT": ""}, "FAISS_ROLLOUT must be a whole number from 0 to 100, per cent"),
        ({"FAISS_ROLLOUT": True}, "FAISS_ROLLOUT must be a whole number from 0 to 100, per cent"),
        ({"rolout": "5"}, "there is no setting rolout"),
        ({"cache_size": "5", "AIL_CACHE_SIZE": "6"}, "AIL_CACHE_SIZE is set twice"),
    ],
)
def test_one_wrong_assignment_leaves_all_as_they_were(flags: Flags, wrong: dict[str, object], said: str) -> None:
    before = flags.get()
    with pytest.raises(UsageError) as refused:
        flags.set({"AIL_BATCH_SIZE": "7", **wrong})
    assert refused.value.message == said
    assert flags.get() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_text("faiss_rollout = \n"),
        lambda file: file.write_text("faiss_rollout = 101\n"),
        lambda file: file.write_text("no_such_key = 1\nfaiss_rollout = 5\n"),
        lambda file: file.write_text("a = " + "[" * 100_000),
        lambda file: file.write_bytes(b"\xff\xfe"),
        lambda file: file.mkdir(),
        lambda file: file.symlink_to(file),
    ],
    ids=["syntax", "value", "name", "depth", "encoding", "directory", "loop"],
)
def test_a_file_that_cannot_be_taken_leaves_all_as_it_was_and_is_told(file: Path, flags: Flags, damage: Any) -> None:
    flags.set({"faiss_rollout": "20"})
    damage(file)
    with pytest.raises(UsageError) as refused:
        flags.reload()
    assert get(flags, "FAISS_ROLLOUT") == (20, "flags")
    assert flags.notice is not None
    assert refused.value.message in flags.notice


def test_reload_takes_the_place_of_what_was_set_and_says_what_changed(file: Path, flags: Flags) -> None:
    flags.set({"faiss_rollout": "20", "cache_size": "5"})
    file.write_text("faiss_rollout = 30\n")
    assert {(flag.name, flag.value, flag.origin) for flag in flags.reload()} == {
        ("FAISS_ROLLOUT", 30, "file"),
        ("AIL_CACHE_SIZE", 1000, "default"),
    }
    assert flags.reload() == []


def test_a_reload_that_succeeds_ends_the_notice_of_one_that_did_not(file: Path, flags: Flags) -> None:
    file.write_text("x")
    with pytest.raises(UsageError):
        flags.reload()
    file.write_text("")
    flags.reload()
    assert flags.notice is None


def test_a_token_is_shown_as_set_and_never_itself(flags: Flags) -> None:
    changed = flags.set({"github_token": "hunter2"})
    assert flags.current.github_token == "hunter2"  # noqa: S105 - no secret
    assert "hunter2" not in repr([flag.describe() for flag in [*flags.get(), *changed]])
    assert get(flags, "GITHUB_TOKEN") == ("set", "flags")


def test_who_subscribed_is_told_of_both_settings_once_they_are_in_force(flags: Flags) -> None:
    told: list[tuple[int, int, bool]] = []

    def hear(before: Settings, after: Settings) -> None:
        told.append((before.faiss_rollout, after.faiss_rollout, flags.current is after))

    leave = flags.subscribe(hear)
    flags.set({"faiss_rollout": "20"})
    flags.set({"faiss_rollout": "20"})  # no change
    leave()
    flags.set({"faiss_rollout": "30"})
    assert told == [(100, 20, True)]


def test_a_check_that_refuses_leaves_all_as_it_was_and_nobody_is_told(flags: Flags) -> None:
    told = []

    def refuse(before: Settings, after: Settings) -> None:
        if (before.metrics_port, after.metrics_port) == (None, 9):
            raise UsageError("AIL_METRICS_PORT must be a free port")

    flags.subscribe(lambda *settings: told.append(settings))
    leave = flags.check_with(refuse)
    with pytest.raises(UsageError, match="free port"):
        flags.set({"metrics_port": "9", "cache_size": "4"})
    assert (flags.current.metrics_port, flags.current.cache_size, told) == (None, 1000, [])
    leave()
    flags.set({"metrics_port": "9"})
    assert (flags.current.metrics_port, len(told)) == (9, 1)
