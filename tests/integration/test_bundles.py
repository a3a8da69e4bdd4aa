"""A fresh clone takes its embeddings from a bundle, and one that lies is refused whole, with a sentence."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from bench.bulk import make_history
from tests.running import BIN, Home, sealed_home

from ail_daemon.bundles.manifest import MANIFEST_FILE, parse_manifest
from ail_daemon.bundles.publishing import publish
from ail_daemon.bundles.segments import open_segment
from ail_daemon.bundles.shelves import locked_directory

pytestmark = pytest.mark.model

COMMITS = 90


def run(home: Home, *arguments: str) -> str:
    done = home.run(str(BIN / "ail-daemon"), "bundle", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def add(home: Home, repo: Path, **settings: str) -> dict[str, object]:
    """Enrol *repo* with a daemon that has these settings; return its status once it is complete."""
    with home.daemon(**settings), home.connected() as call:
        call("repo.add", repo=str(repo))
        while not (told := call("status")["repos"][0])["complete"]:
            time.sleep(0.05)
        (reply,) = (call("ask", repo=str(repo), question="why was the queue changed?"),)
        return {**told, "answer": [one["sha"] for one in reply["citations"]]}


def test_a_clone_encodes_nothing_with_a_bundle_and_everything_where_that_lies(
    home: Home, models: Path, tmp_path: Path
) -> None:
    repo, clone, out = (tmp_path / name for name in ("repo", "clone", "out"))
    make_history(repo, COMMITS)
    published = add(home, repo)
    assert published["encoded"] == COMMITS
    assert f"{COMMITS} embeddings added" in run(home, "create", str(repo), str(out))
    run(home, "create", str(repo), "ref:")
    subprocess.run(["git", "clone", "-q", str(repo), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "fetch", "-q", "origin", "refs/ail/*:refs/ail/*"], check=True)
    for source in (str(out), "ref:"):
        with sealed_home(models) as other:
            told = add(other, clone, AIL_BUNDLES=source)
            assert (told["encoded"], told["notice"]) == (0, None)
            assert told["answer"] == published["answer"]
            assert not list((other.state / "repos").glob("*/bundle"))
    with sealed_home(models) as other:
        told = add(other, clone, AIL_BUNDLES=str(lie(out, tmp_path / "lies")))
        assert told["encoded"] == COMMITS
        assert "embeddings compared are not what the model makes of their texts" in str(told["notice"])
        assert told["answer"] == published["answer"]


def lie(out: Path, lies: Path) -> Path:
    """Publish the embeddings of *out* under the hashes of one another's texts, all in order otherwise."""
    (directory,) = out.iterdir()
    manifest = parse_manifest((directory / MANIFEST_FILE).read_bytes(), directory.name)
    (entry,) = manifest.segments
    segment = open_segment(directory / entry.sha256, entry, manifest)
    keys = [segment.keys[row : row + 1].tobytes() for row in range(entry.rows)]
    moved = [row.tobytes() for row in np.roll(segment.embeddings, COMMITS // 2, axis=0)]
    with locked_directory(lies / directory.name) as shelf:
        publish(shelf, manifest.model_id, manifest.dimension, zip(keys, moved, strict=True))
    return lies


def test_what_cannot_be_published_is_said(common_home: Home, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    for arguments, status, said in (
        (["create", str(repo), str(tmp_path / "out")], 5, "has no index"),
        (["create", str(tmp_path), str(tmp_path / "out")], 5, "lies in no git repository"),
        (["merge", str(tmp_path), str(tmp_path / "out")], 1, "there is no bundle in"),
    ):
        done = common_home.run(str(BIN / "ail-daemon"), "bundle", *arguments)
        assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def test_a_setting_that_names_no_carrier_is_refused(common_home: Home) -> None:
    for value in ("ftp://x/y", "relative/path", "https://user:word@host/x", "ref:x"):
        done = common_home.run(str(BIN / "ail-daemon"), "doctor", "--json", env={"AIL_BUNDLES": value})
        assert "AIL_BUNDLES" in done.stdout + done.stderr, json.dumps([done.stdout, done.stderr])
        assert "must be" in done.stdout + done.stderr
