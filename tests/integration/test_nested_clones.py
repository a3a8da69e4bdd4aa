"""A file of a submodule, or of a clone in another's work tree, asked about over the socket through the repository around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import RETRY, Repository
from tests.running import Home

from ail_rpc.errors import NotEnrolledError, UsageError


@pytest.mark.parametrize("is_submodule", [False, True])
def test_it_is_answered_by_its_own_repository_or_told_of_it(
    bare_home: Home, tmp_path: Path, *, is_submodule: bool
) -> None:
    around, inner = Repository(tmp_path / "around"), tmp_path / "around" / "lib" / "dep"
    around.commit("Begin", start__txt="x\n")
    own = Repository(tmp_path / "origin" if is_submodule else inner)
    retry = own.commit(RETRY, upload__py="def upload():\n    retry(send)\n")
    if is_submodule:
        around.git("submodule", "add", "-q", str(own.path), "lib/dep")
        around.git("commit", "-q", "-m", "Use it")
    asked: dict[str, Any] = {"repo": str(around.path), "question": "why the retry?", "mode": "lexical"}
    with bare_home.daemon(), bare_home.connected() as call:
        call("repo.add", repo=str(around.path))
        for file in ("lib/dep/upload.py", "lib/dep/gone/before.py"):
            with pytest.raises(NotEnrolledError, match=f"{inner} is not enrolled"):
                call("ask", file=file, **asked)
        assert bare_home.client("add", str(inner), "--wait").returncode == 0
        for file in ("lib/dep/upload.py", str(inner / "upload.py")):
            reply = call("ask", file=file, lines=[2, 2], **asked)
            assert (reply["repo"], reply["file"]) == (str(inner), "upload.py")
            assert reply["citations"][0]["sha"] == retry
        reply = call("ask", file="lib/dep/upload.py", function="upload", **asked)
        assert (reply["repo"], reply["lines"]) == (str(inner), [1, 2])
        assert call("related", repo=str(around.path), files=["lib/dep/upload.py"])["repo"] == str(inner)
        with pytest.raises(UsageError, match="lie in 2 repositories"):
            call("related", repo=str(around.path), files=["lib/dep/upload.py", "start.txt"])
        assert call("ask", file="start.txt", **asked)["repo"] == str(around.path)
