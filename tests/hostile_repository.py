"""A repository in which every program that git may be told to run is a canary, and every place it may read is a trap.

`plant` makes one of an honest repository: afterwards each program that runs writes its name into a file. `TRAPS` turn a
whole repository into one that would hang whoever opens the wrong file.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

PROGRAMS = (
    "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "credential.helper", "diff.external", "diff.canary.textconv", "diff.canary.command",
    "filter.canary.clean", "filter.canary.smudge", "filter.canary.process", "merge.canary.driver", "gpg.program",
    "gpg.ssh.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand", "interactive.diffFilter", "sequence.editor",
    "pager.log", "pager.diff", "pager.diff-tree", "pager.blame", "pager.rev-list", "pager.cat-file", "pager.show",
    "uploadpack.packObjectsHook", "remote.origin.uploadpack", "remote.origin.receivepack", "submodule.sub.update",
    "trailer.why.command", "trailer.why.cmd", "difftool.canary.cmd", "mergetool.canary.cmd", "browser.canary.cmd",
    "man.canary.cmd", "guitool.canary.cmd", "sendemail.tocmd", "tar.canary.command", "instaweb.browser", "web.browser",
    "hook.canary.command", "imap.tunnel",
)  # fmt: skip
"""Settings whose value git runs as a program, each in its own canary."""

ALIASES = (
    "log", "diff", "diff-tree", "rev-list", "cat-file", "for-each-ref", "blame", "rev-parse", "status", "show", "merge-base",
    "config", "var", "version", "symbolic-ref", "why",
)  # fmt: skip

HOOKS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update",
    "proc-receive", "post-receive", "post-update", "reference-transaction", "push-to-checkout", "pre-auto-gc",
    "post-rewrite", "fsmonitor-watchman", "post-index-change",
)  # fmt: skip

CANARIES = len(PROGRAMS) + len(ALIASES) + 2 * len(HOOKS)
"""How many programs `plant` leaves about: the hooks lie in two directories."""

_SETTINGS = {
    "log.showSignature": "true", "diff.ignoreSubmodules": "none", "status.submoduleSummary": "true", "log.diffMerges": "on",
    "protocol.allow": "always", "protocol.ext.allow": "always", "protocol.file.allow": "always",
    "fetch.recurseSubmodules": "true", "submodule.recurse": "true", "push.gpgSign": "true", "commit.gpgSign": "true",
    "remote.origin.vcs": "canary", "remote.origin.promisor": "true", "remote.origin.partialCloneFilter": "blob:none",
    "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*", "extensions.partialClone": "origin",
    "http.proxy": "http://127.0.0.1:9", "remote.origin.proxy": "http://127.0.0.1:9", "maintenance.auto": "true", "gc.auto": "1",
    "core.untrackedCache": "true", "feature.manyFiles": "true", "index.recordEndOfIndexEntries": "true",
    "hook.canary.event": "post-commit", "core.logAllRefUpdates": "always",
}  # fmt: skip
_GPG = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"

Trap = Callable[[Path], None]


def plant(repo: Path, log: Path) -> None:
    """Fill the repository at *repo* with canaries; each that runs adds its name to *log*."""
    nest = log.parent / "nest"
    nest.mkdir()

    def make(path: Path) -> str:
        path.write_text(f'#!/bin/sh\necho "{path.name}" >> "{log}"\nexit 1\n')
        path.chmod(0o755)
        return str(path)

    def git(*arguments: str, stdin: str | None = None) -> str:
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        command = ["git", "-C", str(repo), "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
        return subprocess.run(command, env=env, input=stdin, capture_output=True, check=True, text=True).stdout

    signed = git("cat-file", "commit", "HEAD").replace("\n\n", f"\n{_GPG}\n", 1)
    sha = git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed).strip()
    git("update-ref", "refs/heads/signed", sha)
    directory = Path(git("rev-parse", "--absolute-git-dir").strip())
    hooks = nest / "hooks"
    hooks.mkdir()
    (directory / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        make(hooks / name)
        make(directory / "hooks" / name)
    everything = "* diff=canary filter=canary merge=canary\n"
    (directory / "info").mkdir(exist_ok=True)
    (directory / "info" / "attributes").write_text(everything)
    (nest / "attributes").write_text(everything)
    lines = [(name, make(nest / name)) for name in PROGRAMS]
    lines += [(f"alias.{name}", f"!{make(nest / f'alias.{name}')}") for name in ALIASES]
    lines += list(_SETTINGS.items())
    lines += [
        ("core.hooksPath", str(hooks)), ("core.attributesFile", str(nest / "attributes")), ("core.worktree", str(nest)),
        ("include.path", str(nest / "included")), (f"includeIf.gitdir:{directory}.path", str(nest / "included")),
        ("remote.origin.url", f"ext::{nest / 'core.sshCommand'} %S"), ("url.ext::canary .insteadOf", "https://"),
        ("blame.ignoreRevsFile", "/etc/passwd"), ("mailmap.file", "/etc/passwd"), ("diff.orderFile", "/etc/passwd"),
        ("core.excludesFile", "/etc/passwd"), ("commit.template", "/etc/passwd"), ("core.abbrev", "no"),
    ]  # fmt: skip
    (nest / "included").write_text(
        f"[core]\n\tfsmonitor = {nest / 'core.fsmonitor'}\n\tpager = {nest / 'core.pager'}\n"
    )
    for name, value in lines:
        git("config", name, value)
    (directory / "objects" / "info" / "alternates").write_text("/proc/1/root/nowhere\n/dev\n../../../outside\n")
    (directory / "worktrees" / "outside").mkdir(parents=True)
    for name, content in {"gitdir": "/etc/passwd", "commondir": "../..", "HEAD": "ref: refs/heads/signed"}.items():
        (directory / "worktrees" / "outside" / name).write_text(content + "\n")
    (directory / "refs" / "heads" / "linked").symlink_to("/etc/passwd")
    (directory / "refs" / "outside").symlink_to("/etc")
    log.unlink(missing_ok=True)


def hash_tree(root: Path) -> dict[str, str]:
    """Return each file's content hash, mode and times of change: any write shows."""
    found = {}
    for path in sorted([root, *root.rglob("*")]):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[str(path)] = f"{content} {status.st_mode} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return found


def _fifo(*names: str) -> Trap:
    def set_trap(directory: Path) -> None:
        path = directory.joinpath(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return set_trap


def _deep(directory: Path) -> None:
    here = os.open(directory / "refs" / "heads", os.O_DIRECTORY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


TRAPS: dict[str, Trap] = {
    "a FIFO for its configuration": _fifo("config"),
    "a FIFO for its packed refs": _fifo("packed-refs"),
    "a FIFO for a branch": _fifo("refs", "heads", "slow"),
    "a FIFO for HEAD": _fifo("HEAD"),
    "a FIFO for its common directory": _fifo("commondir"),
    "a FIFO for the boundary": _fifo("shallow"),
    "a FIFO for its alternates": _fifo("objects", "info", "alternates"),
    "a FIFO for its grafts": _fifo("info", "grafts"),
    "a FIFO for its attributes": _fifo("info", "attributes"),
    "directories 1,500 deep": _deep,
}
"""What turns a git directory into one that nobody can read; none may keep the daemon from its other repositories."""
