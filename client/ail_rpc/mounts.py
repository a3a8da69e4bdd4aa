"""Finds from the mount table on which file system a path lies, and whether the kernel reports all changes there."""

from __future__ import annotations

import os
import re

_MOUNTS = "/proc/self/mountinfo"
_REMOTE = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "ceph", "coda", "fuse", "virtiofs", "vboxsf", "vmhgfs",
     "prl_fs", "lustre", "gfs2", "ocfs2", "beegfs", "glusterfs", "davfs")
)  # fmt: skip


def find_deaf_type(path: str, table: str = _MOUNTS) -> str | None:
    """Return the type of *path*'s file system if changes can be made there without an event here, else None.

    path: absolute, links resolved. Such are network file systems and those served by a process or a virtual machine's
    host: events report only this kernel's own changes. None if the table cannot be read.
    """
    kind = _find_type(path, table)
    return kind if kind in _REMOTE or kind.startswith("fuse.") else None


def _find_type(path: str, table: str) -> str:
    longest, kind = "", ""
    for point, mounted in _read_mounts(table):
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(longest):  # of two on one point the later one hides the other
            longest, kind = point, mounted
    return kind


def _read_mounts(table: str) -> list[tuple[str, str]]:
    """Return (mount point, type) pairs, in the order they were mounted; see proc_pid_mountinfo(5)."""
    try:
        with open(table, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        before, dash, after = line.partition(b" - ")
        if dash and len(fields := before.split(b" ")) > 4:
            found.append((_unescape(fields[4]), os.fsdecode(after.split(b" ")[0])))
    return found


def _unescape(field: bytes) -> str:
    """Undo the octal that the kernel writes for a blank, a tab, a newline and a backslash."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field))
