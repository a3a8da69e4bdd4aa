from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ail_daemon.history.opening import History, open_history
from ail_daemon.history.ownership import check_owner, get_owner_error
from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import RepoUnreadableError

Shell = Callable[[str], str]
OpenAt = Callable[[str], History]

COMMANDS = (
    "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "credential.helper", "diff.external", "diff.canary.textconv", "diff.canary.command",
    "filter.canary.clean", "filter.canary.smudge", "filter.canary.process", "merge.canary.driver", "gpg.program",
    "gpg.ssh.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand", "interactive.diffFilter", "sequence.editor",
    "pager.log", "pager.diff-tree", "pager.blame", "pager.rev-list", "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
)  # fmt: skip


def read_everything(history: History) -> int:
    """Return how many commits were read, having called every method."""
    shas = list(history.iter_shas(history.read_tips().shas))
    count = len(list(history.iter_commits(shas)))
    list(history.iter_changes(shas))
    history.find_sha(shas[0][:8])
    assert history.has(shas[0])
    try:
        assert history.blame("f", 1, 1)
    except RepoUnreadableError as err:
        assert "partial clone" in err.message  # noqa: PT017 (whole clones must not raise at all)
    return count


def hash_tree(root: Path) -> dict[str, str]:
    """Return each file's content hash, mode and time of change: any write shows."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = f"{content} {status.st_mode} {status.st_mtime_ns}"
    return found


HOSTILE = """
    git init -q o; cd o; git config uploadpack.allowFilter true; echo a > f; commit -m one; echo b > f; commit -m two
    cd ..
    git clone -q {clone} file://$PWD/o r; cd r
    printf '* diff=canary filter=canary merge=canary\\n' | tee .git/info/attributes > .gitattributes
    printf '#!/bin/sh\\necho ran $0 >> {log}\\n' > ../canary; chmod +x ../canary
    for h in $(ls .git/hooks | sed s/.sample//) reference-transaction post-index-change
    do cp ../canary .git/hooks/$h; done
    for a in diff-tree rev-list cat-file for-each-ref blame rev-parse log; do git config alias.$a '!{canary}'; done
    git config log.showSignature true; git config core.hooksPath $PWD/.git/hooks; git config core.worktree $PWD
    git config remote.origin.url 'ext::{canary} %S'; git config remote.origin.vcs canary
    git config protocol.allow always; git config protocol.ext.allow always; git config url.ext::x.insteadOf file
    signature='gpgsig -----BEGIN PGP SIGNATURE-----\\n \\n -----END PGP SIGNATURE-----'
    raw=$(git cat-file commit HEAD | sed "/^committer/a $signature")
    git update-ref refs/heads/signed $(echo "$raw" | git hash-object -t commit -w --stdin)
"""


@pytest.fixture(params=["", "--filter=blob:none", "--filter=tree:0"], ids=["whole", "blobless", "treeless"])
def canaries(shell: Shell, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Makes `r`, in which every configurable program would leave a line in the file that is returned."""
    log, canary = tmp_path / "ran", tmp_path / "canary"
    shell(HOSTILE.format(clone=request.param, log=log, canary=canary))
    shell("cd r; " + "; ".join(f"git config {name} {canary}" for name in COMMANDS))
    log.unlink(missing_ok=True)
    return log


def test_nothing_that_a_repository_configures_is_executed(open_at: OpenAt, canaries: Path) -> None:
    assert read_everything(open_at("r")) == 3
    assert not canaries.exists()


def test_the_canaries_would_sing(shell: Shell, canaries: Path) -> None:
    shell("cd r; for c in 'log -p --ext-diff' status 'blame HEAD -- f'; do command git $c > /dev/null 2>&1 || :; done")
    assert "canary" in canaries.read_text()


READ_EVERYTHING = """
import contextlib, sys
from ail_daemon.history.opening import open_history
from ail_rpc.discovery import find_repository
from ail_rpc.errors import RepoUnreadableError
history = open_history(find_repository(sys.argv[1]))
shas = list(history.iter_shas(history.read_tips().shas))
list(history.iter_commits(shas)), list(history.iter_changes(shas)), history.has(shas[0]), history.find_sha(shas[0][:8])
with contextlib.suppress(RepoUnreadableError):
    history.blame("f", 1, 1)
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_no_program_but_git_is_started_and_no_network_is_touched(tmp_path: Path, canaries: Path) -> None:
    trace = tmp_path / "trace"
    program = [sys.executable, "-c", READ_EVERYTHING, str(tmp_path / "r")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        ["strace", "-f", "-e", "trace=execve,socket,connect", "-o", str(trace), *program], check=True, env=environment
    )
    started = re.findall(r'execve\("([^"]+)".* = 0$', trace.read_text(), re.MULTILINE)
    assert len(started) > 7
    assert {os.path.basename(name) for name in started[1:]} == {"git"}
    assert not re.search(r"(socket|connect)\(", trace.read_text())
    assert not canaries.exists()


def test_the_callers_git_environment_is_not_seen(
    shell: Shell, open_at: OpenAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("git init -q other; (cd other; commit -m other); git init -q r; cd r; echo a > f; commit -m one")
    names = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True
    ).stdout.split()
    for name in names:
        monkeypatch.setenv(name, str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    history = open_at("r")
    assert read_everything(history) == 1
    assert [c.subject for c in history.iter_commits(history.iter_shas(history.read_tips().shas))] == ["one"]
    assert not (tmp_path / "trace").exists()


def test_replaced_and_grafted_commits_are_read_as_they_were_made(shell: Shell, open_at: OpenAt) -> None:
    shell("""
        git init -q r; cd r; echo a > f; commit -m one; commit -m two; commit -m other; git replace HEAD~1 HEAD
        git rev-parse HEAD > .git/info/grafts
    """)
    history = open_at("r")
    commits = history.iter_commits(history.iter_shas(history.read_tips().shas))
    assert [commit.subject for commit in commits] == ["other", "two", "one"]


def test_reading_leaves_the_repository_as_it_was(shell: Shell, open_at: OpenAt, tmp_path: Path) -> None:
    shell("git init -q r; cd r; echo a > f; commit -m one; git pack-refs --all; echo b > f; commit -m two; echo c >> f")
    before = hash_tree(tmp_path / "r")
    assert read_everything(open_at("r")) == 2
    assert hash_tree(tmp_path / "r") == before


def test_another_users_repository_is_not_read(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("git init -q r; cd r; commit -m one")
    place = find_repository(str(tmp_path / "r"))
    if os.geteuid() == 0:
        os.chown(place.git_dir, 65534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    error = get_owner_error(place)
    assert error
    assert "belongs to user" in error.message
    assert error.hint
    with pytest.raises(RepoUnreadableError):
        open_history(place)


def test_our_own_repository_may_be_read(shell: Shell, tmp_path: Path) -> None:
    shell("git init -q r")
    place = find_repository(str(tmp_path / "r"))
    assert get_owner_error(place) is None
    check_owner(place)


def test_a_repository_that_vanishes_is_reported_as_such(shell: Shell, open_at: OpenAt, tmp_path: Path) -> None:
    shell("git init -q r; cd r; echo a > f; commit -m one")
    history = open_at("r")
    shas = list(history.iter_shas(history.read_tips().shas))
    shutil.rmtree(tmp_path / "r")
    for read in (
        history.read_tips, lambda: list(history.iter_shas(shas)), lambda: list(history.iter_commits(shas)),
        lambda: list(history.iter_changes(shas)), lambda: history.blame("f", 1, 1), lambda: history.has(shas[0]),
        lambda: history.find_sha(shas[0][:8]),
    ):  # fmt: skip
        with pytest.raises(RepoUnreadableError):
            read()


def test_an_unknown_format_is_refused_with_the_advice_to_take_a_newer_git(shell: Shell, open_at: OpenAt) -> None:
    shell("git init -q r; cd r; git config core.repositoryFormatVersion 1; git config extensions.refStorage novel")
    with pytest.raises(RepoUnreadableError) as caught:
        open_at("r").read_tips()
    assert "newer git" in caught.value.hint


def test_a_place_without_a_repository_cannot_be_opened(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(RepoUnreadableError):
        open_history(RepoPlace(nowhere, nowhere, nowhere, is_bare=True))
