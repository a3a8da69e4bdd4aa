"""Backups made and taken back by running daemons, and refused where they are not what was written."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Repository
from tests.running import Calling, Home, sealed_home
from tests.tools import one_fast

from ail_rpc.errors import AilError, NotFoundError, StorageError, UsageError

pytestmark = pytest.mark.model

QUESTIONS = ("why is the start page blue?", "why do we try an upload a second time?", "why thirty seconds?", "penguins")


@pytest.fixture
def call(home: Home) -> Iterator[Calling]:
    with home.daemon(), home.connected() as call:
        yield call


@pytest.fixture
def other_call(models: Path) -> Iterator[Calling]:
    """A daemon that knows nothing yet."""
    with sealed_home(models) as home, home.daemon(), home.connected() as call:
        yield call


@pytest.fixture
def backup(call: Calling, repo: Repository, tmp_path: Path) -> Path:
    """A backup of one repository, which is complete."""
    add(call, repo)
    file = tmp_path / "index.bak"
    call("backup", file=str(file))
    return file


def add(call: Calling, repo: Repository) -> None:
    call("repo.add", repo=str(repo.path))
    call.wait_complete(str(repo.path))


def ask_all(call: Calling, repo: Repository) -> list[dict[str, Any]]:
    asked = [call("ask", repo=str(repo.path), question=question, no_cache=True) for question in QUESTIONS]
    return [{name: value for name, value in reply.items() if name != "query_time_ms"} for reply in asked]


def refusal(call: Calling, file: Path, method: str = "restore") -> AilError:
    with pytest.raises(AilError) as told:
        call(method, file=str(file))
    return told.value


def test_what_is_restored_into_an_empty_daemon_answers_as_before(
    call: Calling, other_call: Calling, repo: Repository, backup: Path
) -> None:
    before = ask_all(call, repo)
    restored = other_call("restore", file=str(backup))
    assert restored["repos"] == [{"path": str(repo.path.resolve()), "commits": 3, "replaced": False}]
    told = other_call.wait_complete(str(repo.path))
    assert (told["encoded"], told["commits"]) == (0, 3)
    assert ask_all(other_call, repo) == before


@pytest.mark.slow
def test_a_backup_is_the_user_s_alone_and_tar_lists_it(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    listed = subprocess.run(["tar", "tf", str(backup)], capture_output=True, text=True, check=True).stdout.split()
    assert (listed[0], listed[-1]) == ("manifest.json", "SHA256")
    assert [name.rpartition("/")[2] for name in listed[1:3]] == ["store.sqlite", "words.json"]
    assert [path.name for path in backup.parent.iterdir() if path.name.startswith(".index")] == []


@pytest.mark.slow
def test_a_repository_that_moved_on_is_caught_up_after_its_restore(
    call: Calling, repo: Repository, backup: Path
) -> None:
    sha = repo.commit("Swap the engine\n\nBecause the old one burnt too much oil.", engine__py="new")
    call.wait_complete(str(repo.path))
    assert call("restore", file=str(backup))["repos"][0]["replaced"] is True
    told = call.wait_complete(str(repo.path))
    assert told["commits"] == 4
    assert call("ask", repo=str(repo.path), question="why swap the engine?")["citations"][0]["sha"] == sha


@pytest.mark.slow
def test_a_restore_leaves_repositories_alone_that_the_backup_does_not_know(
    call: Calling, repo: Repository, backup: Path, tmp_path: Path
) -> None:
    later = Repository(tmp_path / "later")
    later.commit("Build the bridge\n\nBecause the old ferry sank in the storm.", bridge__txt="x")
    add(call, later)
    call("restore", file=str(backup))
    assert {told["path"] for told in call("repo.list")["repos"]} == {str(repo.path), str(later.path)}
    assert call("ask", repo=str(later.path), question="why the bridge?")["outcome"] == "answered"


@pytest.mark.slow
def test_one_repository_alone_may_be_backed_up(call: Calling, repo: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("Begin", a__txt="a")
    add(call, repo)
    add(call, other)
    assert len(call("backup", file=str(tmp_path / "all"))["repos"]) == 2
    assert call("backup", file=str(tmp_path / "one"), repo=str(other.path))["repos"] == [
        {"path": str(other.path.resolve()), "commits": 1}
    ]


@pytest.mark.slow
def test_an_older_backup_is_replaced_and_nothing_else_is(call: Calling, backup: Path, tmp_path: Path) -> None:
    call("backup", file=str(backup))
    letter = tmp_path / "letter"
    letter.write_text("dear backup,")
    link = tmp_path / "link"
    link.symlink_to(backup)
    for path in (letter, link, tmp_path):
        assert isinstance(refusal(call, path, "backup"), UsageError)
    assert letter.read_text() == "dear backup,"
    assert isinstance(refusal(call, tmp_path / "no" / "where", "backup"), NotFoundError)


def test_the_daemon_s_own_files_are_no_place_for_backups_but_for_one(home: Home, call: Calling) -> None:
    assert isinstance(refusal(call, home.state / "repos" / "index.bak", "backup"), UsageError)
    assert isinstance(refusal(call, home.state / "index.bak", "backup"), UsageError)
    assert call("backup", file=str(home.state / "backups" / "index.bak"))["repos"] == []


@pytest.mark.slow
def test_a_flipped_bit_is_found_and_nothing_is_changed(call: Calling, repo: Repository, backup: Path) -> None:
    whole = backup.read_bytes()
    before = ask_all(call, repo)
    for where in (0.0, 0.001, 0.02, 0.3, 0.6, 0.9, 0.99, 0.999999):
        data = bytearray(whole)
        data[int(where * len(data))] ^= 0x10
        backup.write_bytes(data)
        assert isinstance(refusal(call, backup), StorageError), where
    assert ask_all(call, repo) == before


@pytest.mark.slow
def test_every_byte_of_the_frame_counts(other_call: Calling, backup: Path) -> None:
    whole = backup.read_bytes()
    with tarfile.open(backup) as archive:
        starts = [member.offset for member in archive.getmembers()]
        starts = [*starts[:3], starts[-1]]
    inside = {
        start + offset for start in starts for offset in (0, 99, 100, 123, 124, 135, 148, 155, 156, 257, 345, 511)
    }
    for place in sorted(inside | {len(whole) - 1, len(whole) - 1024, starts[-1] + 512, starts[-1] + 600}):
        backup.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert isinstance(refusal(other_call, backup), StorageError), place
    assert other_call("repo.list")["repos"] == []


@pytest.mark.slow
def test_a_backup_cut_short_or_with_something_behind_it_is_refused(other_call: Calling, backup: Path) -> None:
    whole = backup.read_bytes()
    for length in (0, 1, 511, 512, 2000, -1, -1024, -1536):
        backup.write_bytes(whole[:length])
        assert isinstance(refusal(other_call, backup), StorageError), length
    backup.write_bytes(whole + b"more")
    assert "instead of" in refusal(other_call, backup).message
    assert other_call("repo.list")["repos"] == []


@pytest.mark.slow
def test_a_backup_of_a_newer_ail_is_refused_by_name(other_call: Calling, backup: Path) -> None:
    told = rewrite(backup, lambda manifest: manifest | {"version": 2, "ail": "9.0.0"})
    assert "newer AIL (9.0.0)" in refusal(other_call, told).message
    newer = rewrite(backup, lambda manifest: manifest | {"repos": [manifest["repos"][0] | {"schema": 99}]})
    assert "newer AIL" in refusal(other_call, newer).message


@pytest.mark.slow
def test_members_that_lead_elsewhere_are_never_unpacked(other_call: Calling, backup: Path, tmp_path: Path) -> None:
    for name in ("../../escaped", "/escaped"):
        with tarfile.open(backup) as old, tarfile.open(tmp_path / "odd", "w", format=tarfile.GNU_FORMAT) as odd:
            for member in old.getmembers():
                content = old.extractfile(member)
                member.name = name if member.name.startswith("repos/") else member.name
                odd.addfile(member, content)
        assert isinstance(refusal(other_call, tmp_path / "odd"), StorageError)
    place = {"root": "../up", "git_dir": "../up", "common_dir": "../up"}
    odd_place = rewrite(backup, lambda manifest: manifest | {"repos": [manifest["repos"][0] | place]})
    assert "makes no sense" in refusal(other_call, odd_place).message


def rewrite(backup: Path, change: Any) -> Path:
    """Make a backup with another manifest, its size, hashes and padding made right again."""
    from ail_daemon.administration.backup.archive import MANIFEST, ArchiveWriter

    target = backup.with_suffix(".rewritten")
    with tarfile.open(backup) as old, target.open("wb") as stream:
        manifest, *members, _ = old.getmembers()
        archive = ArchiveWriter(stream)
        content = old.extractfile(manifest)
        assert content
        archive.add_bytes(MANIFEST, json.dumps(change(json.load(content))).encode())
        for member in members:
            database = old.extractfile(member)
            assert database
            archive.add_bytes(member.name, database.read())
        archive.finish()
    return target


@pytest.mark.slow
def test_what_is_no_backup_or_not_mine_is_refused(other_call: Calling, backup: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("dear backup," * 1000)
    assert "is no backup" in refusal(other_call, letter).message
    link = tmp_path / "link"
    link.symlink_to(backup)
    assert isinstance(refusal(other_call, link), UsageError)
    os.mkfifo(tmp_path / "pipe")
    assert isinstance(refusal(other_call, tmp_path / "pipe"), UsageError)
    assert isinstance(refusal(other_call, tmp_path / "nothing"), NotFoundError)
    assert isinstance(refusal(other_call, tmp_path), UsageError)
    if os.geteuid() == 0:
        os.chown(backup, 65534, 65534)
        assert "another user" in refusal(other_call, backup).message


@pytest.mark.slow
def test_a_restore_while_the_repository_is_indexed_ends_that_and_is_whole(
    call: Calling, other_call: Calling, tmp_path: Path
) -> None:
    big = Repository(tmp_path / "big")
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata %d\n%s\n" % (n, len(text), text)
        for n, text in ((n, f"Change {n} of the engine because of {n * 7919 % 1009}".encode()) for n in range(1, 301))
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=big.path, input=stream, check=True)
    call("repo.add", repo=str(big.path))
    call.wait_complete(str(big.path))
    file = tmp_path / "big.bak"
    call("backup", file=str(file))
    other_call("repo.add", repo=str(big.path))
    assert other_call("restore", file=str(file))["repos"][0]["replaced"] is True
    told = other_call.wait_complete(str(big.path))
    assert (told["commits"], told["embedded"]) == (300, 300)


@pytest.mark.slow
def test_questions_go_on_while_backups_are_made_and_taken_back(
    home: Home, call: Calling, repo: Repository, backup: Path
) -> None:
    def ask(number: int) -> str:
        question = f"why is the start page blue, number {number}?"
        return home.client("ask", "--no-cache", "--timeout", "60", "--repo", str(repo.path), question).stderr

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, number) for number in range(12)]
        for number in range(6):
            call("backup", file=str(backup)) if number % 2 else call("restore", file=str(backup))
        assert {one.result() for one in asked} <= {
            "",
            "note: new commits may be missing: the index is not up to date for certain\n",
        }


@pytest.mark.parametrize("promised", one_fast([True, False], fast=False))
def test_a_restore_that_was_killed_is_finished_or_undone_by_the_next_start(
    home: Home, repo: Repository, promised: bool
) -> None:
    with home.daemon(), home.connected() as call:
        add(call, repo)
    (place,) = (home.state / "repos").iterdir()
    coming = place.parent / ".coming-killed"
    coming.mkdir()
    place.rename(coming / place.name)
    if promised:
        (coming / "ready").touch()
    with home.daemon(), home.connected() as call:
        assert [told["commits"] for told in call("repo.list")["repos"]] == ([3] if promised else [])
        if promised:
            assert call("ask", repo=str(repo.path), question="why is the page blue?")["outcome"] == "answered"
    assert [path.name for path in place.parent.iterdir()] == ([place.name] if promised else [])


@pytest.mark.slow
def test_settings_travel_without_tokens_and_never_replace_those_there(
    home: Home, repo: Repository, models: Path, tmp_path: Path
) -> None:
    config = home.directory / "config" / "ail" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('AIL_CACHE_SIZE = 77\nGITHUB_TOKEN = "ghp_PLANTEDTOKEN"\nail_refs = ["tags", "branches"]\n')
    file = tmp_path / "index.bak"
    with home.daemon(), home.connected() as call:
        add(call, repo)
        call("backup", file=str(file))
        assert call("restore", file=str(file))["settings"] == "kept as they are"
    assert b"PLANTEDTOKEN" not in file.read_bytes()
    with sealed_home(models) as other, other.daemon(), other.connected() as call:
        assert call("restore", file=str(file))["settings"] == "restored"
        written = (other.directory / "config" / "ail" / "config.toml").read_text()
    assert written == 'AIL_CACHE_SIZE = 77\nAIL_REFS = ["tags", "branches"]\n'


@pytest.mark.slow
def test_the_client_names_what_was_written_and_restored(home: Home, repo: Repository, tmp_path: Path) -> None:
    home.client("add", str(repo.path), "--wait")
    done = home.client("backup", "index.bak", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{repo.path}: 3 commits\nwritten {tmp_path}/index.bak" in done.stdout
    done = home.client("restore", "index.bak", cwd=tmp_path)
    assert f"{repo.path}: 3 commits, replaced\nrestored from {tmp_path}/index.bak" in done.stdout
    assert home.client("restore", "nothing.bak", cwd=tmp_path).returncode == 1


def test_a_full_disk_leaves_the_old_backup_and_nothing_of_the_new_one(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: that needs root")
    try:
        with home.daemon(), home.connected() as call:
            add(call, repo)
            call("backup", file=str(disk / "index.bak"))
            before = (disk / "index.bak").read_bytes()
            (disk / "filler").write_bytes(bytes((1 << 20) - len(before) - 100_000))
            told = refusal(call, disk / "index.bak", "backup")
            assert isinstance(told, StorageError)
            assert "disk is full" in told.message
            assert (disk / "index.bak").read_bytes() == before
            assert {path.name for path in disk.iterdir()} == {"index.bak", "filler"}
            assert call("ask", repo=str(repo.path), question="why is the page blue?")["outcome"] == "answered"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_a_daemon_killed_while_it_restores_has_the_old_index_or_the_new(
    home: Home, repo: Repository, tmp_path: Path
) -> None:
    file = tmp_path / "index.bak"
    with home.daemon(), home.connected() as call:
        add(call, repo)
        call("backup", file=str(file))
    for delay_s in (0.0, 0.02, 0.05, 0.1):
        with home.daemon() as daemon, home.connected() as call, ThreadPoolExecutor(1) as pool:
            restoring = pool.submit(call, "restore", file=str(file))
            with contextlib.suppress(TimeoutError):
                restoring.exception(delay_s)
            daemon.send_signal(signal.SIGKILL)
            restoring.exception(30)
        with home.daemon(), home.connected() as call:
            call.wait_complete(str(repo.path))
            assert [reply["outcome"] for reply in ask_all(call, repo)][:2] == ["answered"] * 2
        assert len(list((home.state / "repos").iterdir())) == 1
