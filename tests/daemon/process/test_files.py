"""A file replaced at once: the old content or the new, and nothing beside it, also where the disk refuses."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ail_daemon.process.files import replace_file


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the kernel refuse to write a longer file, as a full disk does (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_it_holds_the_new_content_and_is_the_user_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text("old")
    replace_file(path, b"new", is_synced=True)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_the_disk_refuses_leaves_the_old_content_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text("old")
    with files_of_at_most(10), pytest.raises(OSError, match="File too large"):
        replace_file(path, b"n" * 11)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_link_that_lies_beside_it_is_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("another's")
    (tmp_path / "kept.json.new").symlink_to(other)
    with pytest.raises(OSError, match="symbolic"):
        replace_file(tmp_path / "kept.json", b"new")
    assert other.read_text() == "another's"
