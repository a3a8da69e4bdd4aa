"""The corpus is what it says: two hundred different commits that git really keeps."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from tests.hostile import CORPUS, MARK, PATHS, find_raw, write_history


def test_git_keeps_every_hostile_commit_and_path_byte_by_byte(tmp_path: Path) -> None:
    shas = write_history(tmp_path / "repo")
    assert len(set(shas)) == len({entry.message for entry in CORPUS}) == 200

    def read(*arguments: str, stdin: str = "") -> bytes:
        command = ["git", "-C", str(tmp_path / "repo"), *arguments]
        return subprocess.run(command, input=stdin.encode(), capture_output=True, check=True).stdout

    kept = io.BytesIO(read("cat-file", "--batch", stdin="\n".join(shas)))
    for sha, entry in zip(shas, CORPUS, strict=True):
        named, _, size = kept.readline().split()
        head, _, message = kept.read(int(size)).partition(b"\n\n")
        kept.readline()
        assert (named, message) == (sha.encode(), entry.message), entry.name
        assert b"author " + entry.author + b" <" in head, entry.name
        assert MARK.encode() in message
    listed = read("ls-tree", "-z", "--name-only", "HEAD")
    assert set(listed.rstrip(b"\0").split(b"\0")) == {b"file.py", *PATHS}


def test_what_a_terminal_obeys_is_found_and_ordinary_text_of_any_script_is_not() -> None:
    assert find_raw("naïve — 変更\n🎉 cafe\u0301") == []
    assert find_raw("a\x1bb\x9b\u202e\u200b\udcff\r") == ["\x1b", "\x9b", "\u202e", "\u200b", "\udcff", "\r"]
