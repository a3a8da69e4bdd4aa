"""Hooks that were there first: called as before, kept as they were, given back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.hooks.desks import Desk, snapshot, write_hook

from ail_hooks.shims import KEPT_SUFFIX, make_shim
from ail_rpc.hints import EVENTS

# What a hook can see of how it is run, but for its own name and the shell's counters.
RECORD = """#!/bin/sh
{ printf '%s\\n' "$#" "$@"; pwd; ulimit -f; umask; trap; env | grep -v '^_=' | sort; echo; cat; } >"$RECORD"
echo from the hook; echo and this >&2
exit 3
"""


def run_recording(desk: Desk, repo: Path, *git: str) -> tuple[str, int, str, str]:
    record = desk.directory / "record"
    record.unlink(missing_ok=True)
    done = desk.run(repo, "git", *git, env={"RECORD": str(record)})
    return record.read_text(), done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("event", EVENTS)
def test_the_hook_that_was_there_sees_and_says_what_it_did_before(old_git: Desk, event: str) -> None:
    seen = []
    for name in ("first/p", "other/p"):
        repo = old_git.make_repository(name)
        write_hook(repo / ".git" / "hooks", event, RECORD)
        if name == "other/p":
            assert old_git.hook("install", "--post-commit", str(repo)) == 0
        old_git.git(repo, "branch", "side")
        other = old_git.git(repo, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Other")
        commands = {
            "post-commit": ("commit", "-q", "--allow-empty", "-m", "x"),
            "post-merge": ("merge", "-q", "--no-ff", "-m", "Join", other),
            "post-rewrite": ("commit", "-q", "--allow-empty", "--amend", "-m", "x"),
            "post-checkout": ("checkout", "-q", "side"),
        }  # fmt: skip
        record, status, out, err = run_recording(old_git, repo, *commands[event])
        seen.append((record.replace(str(repo), "REPO"), status, out + err))
    assert seen[0] == seen[1]
    assert "from the hook" in seen[0][2]
    assert event in [hint.event for hint in old_git.take_hints()]


def test_post_rewrite_s_pairs_reach_both(old_git: Desk) -> None:
    repo = old_git.make_repository()
    write_hook(repo / ".git" / "hooks", "post-rewrite", f"#!/bin/sh\ncat >'{old_git.directory}/pairs'\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old = old_git.git(repo, "rev-parse", "HEAD")
    old_git.git(repo, "commit", "-q", "--amend", "--allow-empty", "-m", "Better")
    new = old_git.git(repo, "rev-parse", "HEAD")
    assert (old_git.directory / "pairs").read_text() == f"{old} {new}\n"
    assert (old, new) in [(hint.old, hint.new) for hint in old_git.take_hints()]


@pytest.mark.parametrize("said", ["", "no newline at the end", "a b c\n\n\n", "back\\slash  two spaces \n"])
def test_what_the_hook_reads_is_what_git_wrote_to_the_byte(old_git: Desk, said: str) -> None:
    repo = old_git.make_repository()
    write_hook(repo / ".git" / "hooks", "post-rewrite", f"#!/bin/sh\ncat >'{old_git.directory}/said'\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    done = old_git.run(repo, ".git/hooks/post-rewrite", "rebase", input=said)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (old_git.directory / "said").read_text() == said


def test_a_hook_that_does_not_read_its_input_does_no_harm(old_git: Desk) -> None:
    repo = old_git.make_repository()
    write_hook(repo / ".git" / "hooks", "post-rewrite", "#!/bin/sh\nexit 4\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    pairs = f"{'a' * 40} {'b' * 40}\n" * 4000  # more than a pipe holds
    done = old_git.run(repo, ".git/hooks/post-rewrite", "rebase", input=pairs)
    assert (done.returncode, done.stderr) == (4, "")
    assert len(old_git.take_hints()) == 4001


def test_a_hook_that_git_would_not_run_is_not_run(old_git: Desk) -> None:
    repo = old_git.make_repository()
    write_hook(repo / ".git" / "hooks", "post-commit", f"#!/bin/sh\ntouch '{old_git.directory}/ran'\n", mode=0o644)
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert not (old_git.directory / "ran").exists()
    assert len(old_git.take_hints()) == 1


def test_everything_is_given_back_as_it_was(old_git: Desk) -> None:
    repo = old_git.make_repository()
    hooks = repo / ".git" / "hooks"
    write_hook(hooks, "post-commit", "#!/bin/sh\nexit 0\n", mode=0o555)
    write_hook(hooks, "post-merge", "no hook at all\r\n\xff", mode=0o640)
    (hooks / "post-rewrite").symlink_to("../../tracked-hook")
    (hooks / "post-checkout").symlink_to("/nonexistent")
    before = snapshot(hooks)
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    assert all((hooks / event).read_bytes().startswith(b"#!/bin/sh\n# ail-hook") for event in EVENTS)
    assert old_git.hook("uninstall", str(repo)) == 0
    assert snapshot(hooks) == before


def test_a_link_to_a_hook_goes_on_leading_there(old_git: Desk) -> None:
    repo = old_git.make_repository()
    write_hook(repo, "tracked-hook", f"#!/bin/sh\ntouch '{old_git.directory}/ran'\n")
    (repo / ".git" / "hooks" / "post-commit").symlink_to("../../tracked-hook")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert (old_git.directory / "ran").exists()
    assert "tracked-hook" in old_git.git(repo, "status", "--porcelain")  # neither moved nor written to


def test_installing_again_changes_nothing(old_git: Desk) -> None:
    repo = old_git.make_repository()
    hooks = repo / ".git" / "hooks"
    write_hook(hooks, "post-commit", "#!/bin/sh\n:\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in hooks.iterdir()}
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    assert {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in hooks.iterdir()} == before


def test_an_older_shim_is_renewed_and_the_hook_behind_it_stays(
    old_git: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = old_git.make_repository()
    hooks = repo / ".git" / "hooks"
    write_hook(hooks, "post-commit", "#!/bin/sh\n:\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    current = (hooks / "post-commit").read_bytes()
    (hooks / "post-commit").write_bytes(make_shim("post-commit", "/another/state/hints/pending", is_chained=True))
    capsys.readouterr()
    assert old_git.hook("status", str(repo)) == 1
    assert "installed by another version" in capsys.readouterr().out
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    assert (hooks / "post-commit").read_bytes() == current
    assert (hooks / f"post-commit{KEPT_SUFFIX}").read_text() == "#!/bin/sh\n:\n"


def test_a_shim_that_lost_its_mode_is_renewed(old_git: Desk, repo: Path) -> None:
    (repo / ".git" / "hooks" / "post-commit").chmod(0o644)
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert len(old_git.take_hints()) == 1


def test_a_shim_to_which_somebody_added_a_line_is_theirs(old_git: Desk, repo: Path) -> None:
    shim = repo / ".git" / "hooks" / "post-commit"
    changed = shim.read_text().replace("exit 0\n", f"touch '{old_git.directory}/ran'\n")
    shim.write_text(changed)
    assert old_git.hook("uninstall", str(repo)) == 0
    assert shim.read_text() == changed
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    old_git.commit(repo, "Change")
    assert (old_git.directory / "ran").exists()
    assert old_git.hook("uninstall", str(repo)) == 0
    assert shim.read_text() == changed


def test_nothing_is_lost_where_another_program_took_the_place(
    old_git: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = old_git.make_repository()
    hooks = repo / ".git" / "hooks"
    write_hook(hooks, "post-commit", "#!/bin/sh\necho the first\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    write_hook(hooks, "post-commit", "#!/bin/sh\necho the second\n")
    before = snapshot(hooks)
    assert old_git.hook("install", "--post-commit", str(repo)) == 1
    assert "is still kept from an earlier installation" in capsys.readouterr().err
    assert snapshot(hooks) == before
    assert old_git.hook("uninstall", str(repo)) == 1
    assert "left: " in capsys.readouterr().out
    assert (hooks / "post-commit").read_text() == "#!/bin/sh\necho the second\n"
    assert (hooks / f"post-commit{KEPT_SUFFIX}").read_text() == "#!/bin/sh\necho the first\n"


def test_a_hook_whose_shim_was_deleted_is_given_back(old_git: Desk) -> None:
    repo = old_git.make_repository()
    hook = write_hook(repo / ".git" / "hooks", "post-commit", "#!/bin/sh\n:\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    hook.unlink()
    assert old_git.hook("uninstall", str(repo)) == 0
    assert hook.read_text() == "#!/bin/sh\n:\n"


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_an_installation_that_died_half_way_is_no_obstacle(old_git: Desk, command: str) -> None:
    repo = old_git.make_repository()
    hook = write_hook(repo / ".git" / "hooks", "post-commit", "#!/bin/sh\n:\n")
    (hook.parent / f"post-commit{KEPT_SUFFIX}").hardlink_to(hook)
    if command == "install":
        assert old_git.hook("install", "--post-commit", str(repo)) == 0
        assert (hook.parent / f"post-commit{KEPT_SUFFIX}").read_text() == "#!/bin/sh\n:\n"
    assert old_git.hook("uninstall", str(repo)) == 0
    assert hook.read_text() == "#!/bin/sh\n:\n"
    assert not (hook.parent / f"post-commit{KEPT_SUFFIX}").exists()


def test_two_installations_at_once_lose_nothing(old_git: Desk) -> None:
    repo = old_git.make_repository()
    hooks = repo / ".git" / "hooks"
    for event in EVENTS:
        write_hook(hooks, event, f"#!/bin/sh\n# {event}\n")
    before = snapshot(hooks)
    one = "ail-hook install --post-commit"
    both = f"{one} & {one} & {one} & wait"
    for _ in range(3):
        old_git.run(repo, "sh", "-c", both)
        assert all((hooks / f"{event}{KEPT_SUFFIX}").read_text() == f"#!/bin/sh\n# {event}\n" for event in EVENTS)
        assert old_git.hook("install", "--post-commit", str(repo)) == 0
        assert old_git.hook("uninstall", str(repo)) == 0
        assert snapshot(hooks) == before


def test_a_hook_that_dies_of_a_signal_is_reported_as_a_shell_does(old_git: Desk) -> None:
    repo = old_git.make_repository()
    write_hook(repo / ".git" / "hooks", "post-checkout", "#!/bin/sh\nkill -TERM $$\n")
    assert old_git.hook("install", "--post-commit", str(repo)) == 0
    done = old_git.run(repo, ".git/hooks/post-checkout", "a", "b", "1", stdin=subprocess.DEVNULL)
    assert done.returncode == 128 + 15
