"""A repository of two hundred hostile commits, through daemon and client, to a terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.hostile import CORPUS, MARK, find_raw, write_history
from tests.running import Home


@pytest.mark.slow
@pytest.mark.model
def test_no_character_of_a_hostile_history_reaches_the_terminal(home: Home, tmp_path: Path) -> None:
    shas = write_history(tmp_path / "hostile")
    where = ("--repo", str(tmp_path / "hostile"))
    assert home.client("add", "--wait", *where).returncode == 0
    asked = (*where, "--limit", "50", f"why is the {MARK} simple?")
    for form in ("text", "grep", "markdown"):
        done = home.client("ask", "--format", form, *asked)
        assert done.returncode == 1, "of two hundred that are alike none is surely meant"
        assert find_raw(done.stdout + done.stderr) == []
    found = {citation["sha"] for citation in json.loads(home.client("ask", "--json", *asked).stdout)["citations"]}
    assert len(found & set(shas)) > 20
    for sha in shas[::10]:
        shown = home.client("show", sha, *where)
        assert shown.returncode == 0, (sha, CORPUS[shas.index(sha)].name, shown.stderr)
        assert find_raw(shown.stdout) == []
    for name in ("with space.py", "new\nline.py", 'quo"te.py', "-rf", "変更.py", os.fsdecode(b"latin\xe9.py")):
        done = home.client("ask", *where, "--", name, f"why is the {MARK} simple?")
        assert (done.returncode, find_raw(done.stdout)) == (0, []), (name, done.stderr)
