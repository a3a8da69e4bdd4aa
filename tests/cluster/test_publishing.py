"""A build gives the bytes of a local one, loses nothing that was encoded, encodes nothing twice, and says what went wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench.bulk import make_history
from tests.cluster.conftest import Builder, one_thousand
from tests.integration.conftest import Repository as GitRepository

from ail_cluster.listing import Repository
from ail_cluster.output import PART, MovedError, check_address, open_locked, open_output
from ail_cluster.parts import Parts, find_listed, write_part
from ail_cluster.steps import Job, Piece, open_bulk_encoder
from ail_daemon.bundles.manifest import MANIFEST_FILE
from ail_daemon.bundles.publishing import Row, publish
from ail_daemon.encoding import find_prepared, open_encoder
from ail_daemon.encoding.archive import export_model
from ail_daemon.index.store import hash_text
from ail_rpc.errors import ModelError, NotInstalledError, RepoUnreadableError

pytestmark = pytest.mark.model


def load(out: Path) -> dict[str, bytes]:
    """Return the files of a bundle, by name."""
    return {path.name: path.read_bytes() for path in out.glob("*/*") if not path.name.startswith(".")}


def build_whole(job: Job, repository: Path, out: Path) -> dict[str, bytes]:
    """Build *repository* in one piece to another place; return what a bundle of it is like."""
    Builder(one_thousand(job)).build([Repository(str(repository), str(out))])
    return load(out)


def test_what_comes_back_in_any_order_is_published_in_one(builder: Builder, history: Path, tmp_path: Path) -> None:
    totals = builder.build([Repository(str(history), str(tmp_path / "out"))], lambda pieces: pieces[::-1])
    assert (totals.added, totals.encoded, totals.listed, totals.problems) == (50, 50, 0, [])
    assert load(tmp_path / "out") == build_whole(builder.job, history, tmp_path / "whole")
    assert "50 embeddings added" in builder.told[0]


def test_a_message_that_several_commits_have_is_published_once_at_its_oldest(builder: Builder, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "repo")
    for message in ("b", "a", "b", "c", "a"):
        repository.commit(message)
    out = Repository(str(repository.path), str(tmp_path / "out"))
    pieces: list[Piece] = []

    def keep(planned: list[Piece]) -> list[Piece]:
        pieces.extend(planned)
        return planned

    assert builder.build([out], keep).added == 3
    (piece,) = pieces
    assert piece["order"] == b"".join(map(hash_text, ("b", "a", "c")))


def test_a_build_that_ended_early_is_gone_on_with(builder: Builder, history: Path, tmp_path: Path) -> None:
    out = Repository(str(history), str(tmp_path / "out"))
    totals = builder.build([out], lambda pieces: [pieces[1]])  # of three; the driver died then
    (directory,) = (tmp_path / "out").iterdir()
    assert [path.suffix for path in directory.iterdir()] == [PART]
    assert [type(problem) for _, problem in totals.problems] == [RepoUnreadableError]
    totals = builder.build([out])
    assert (totals.encoded, totals.added) == (30, 50)
    assert load(tmp_path / "out") == build_whole(builder.job, history, tmp_path / "whole")


def test_a_piece_that_never_comes_back_keeps_no_other_from_the_bundle(
    builder: Builder, history: Path, tmp_path: Path
) -> None:
    out = Repository(str(history), str(tmp_path / "out"))
    totals = builder.build([out], lambda pieces: [pieces[0], pieces[2]])
    assert (totals.encoded, totals.added) == (30, 30)
    ((path, problem),) = totals.problems
    assert path == str(history)
    assert "a piece of it never came back" in problem.message
    totals = builder.build([out])
    assert (totals.encoded, totals.added, totals.listed, totals.problems) == (20, 20, 30, [])


def test_what_cannot_be_read_any_more_keeps_no_other_from_the_bundle(
    builder: Builder, history: Path, tmp_path: Path
) -> None:
    def take_away(pieces: list[Piece]) -> Iterator[Piece]:
        yield from pieces[1:]
        (history / ".git").rename(tmp_path / "elsewhere")
        yield pieces[0]

    totals = builder.build([Repository(str(history), str(tmp_path / "out"))], take_away)
    assert (totals.encoded, totals.added) == (30, 30)
    ((path, problem),) = totals.problems
    assert (path, problem.exit_status) == (str(history), 5)


def test_a_second_build_encodes_what_is_new_alone(builder: Builder, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "repo")
    repository.commit("first")
    out = Repository(str(repository.path), str(tmp_path / "out"))
    assert builder.build([out]).encoded == 1
    before = load(tmp_path / "out")
    assert builder.build([out]).encoded == 0
    assert load(tmp_path / "out") == before
    assert "has all of its 1 embeddings" in builder.told[-1]
    repository.commit("second")
    totals = builder.build([out])
    assert (totals.encoded, totals.added, totals.listed) == (1, 1, 1)
    after = load(tmp_path / "out")
    assert {name: after[name] for name in before if name != MANIFEST_FILE} == {
        name: content for name, content in before.items() if name != MANIFEST_FILE
    }


def test_repositories_of_one_bundle_are_published_in_the_order_of_the_list(
    builder: Builder, history: Path, tmp_path: Path
) -> None:
    make_history(tmp_path / "longer", 70)  # with the same first 50 messages
    both = [Repository(str(path), str(tmp_path / "out")) for path in (history, tmp_path / "longer")]
    totals = builder.build(both, lambda pieces: pieces[::-1])
    assert totals.added == 70
    assert not list((tmp_path / "out").glob(f"*/*{PART}"))
    for one in both:
        Builder(one_thousand(builder.job)).build([one._replace(out=str(tmp_path / "local"))])
    assert load(tmp_path / "out") == load(tmp_path / "local")


def test_two_builders_at_once_publish_every_row_once(builder: Builder, history: Path, tmp_path: Path) -> None:
    out = Repository(str(history), str(tmp_path / "out"))
    threads = [threading.Thread(target=Builder(builder.job).build, args=([out],)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(tmp_path / "out") == build_whole(builder.job, history, tmp_path / "whole")


def test_a_repository_that_cannot_be_read_is_said_and_the_others_are_built(
    builder: Builder, history: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.git" / "objects").mkdir(parents=True)
    (tmp_path / "broken.git" / "refs").mkdir()
    (tmp_path / "broken.git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "broken.git" / "config").write_text("[core]\n\trepositoryformatversion = 99\n\tbare = true\n")
    named = [Repository(str(path), str(tmp_path / "out")) for path in (tmp_path / "broken.git", history)]
    totals = builder.build(named)
    assert totals.added == 50
    assert [path for path, _ in totals.problems] == [str(tmp_path / "broken.git")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
def test_another_users_repository_is_not_read(builder: Builder, history: Path, tmp_path: Path) -> None:
    os.chown(history / ".git", 65534, 65534)
    totals = builder.build([Repository(str(history), str(tmp_path / "out"))])
    ((_, problem),) = totals.problems
    assert "belongs to user 65534" in problem.message


def test_an_output_that_takes_nothing_ends_the_build_with_a_sentence(
    builder: Builder, history: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("no directory")
    totals = builder.build([Repository(str(history), str(tmp_path / "out" / "history"))])
    ((_, problem),) = totals.problems
    assert "cannot be read: Not a directory" in problem.message


@pytest.mark.slow
def test_a_machine_without_a_gpu_says_so(builder: Builder, history: Path, tmp_path: Path) -> None:
    builder.job = replace(builder.job, has_gpu=True)
    with pytest.raises(ModelError, match=r"cannot load .*CUDA"):
        builder.build([Repository(str(history), str(tmp_path / "out"))])


def test_a_machine_that_lacks_the_model_takes_it_from_the_driver(
    job: Job, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = find_prepared(models, job.model)
    assert prepared
    export_model(prepared, tmp_path / "model.tar")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "empty"))
    text = ["why?"]
    ours = open_bulk_encoder(job, (tmp_path / "model.tar").read_bytes()).encode(text)
    assert (ours == open_encoder(job.model, "prepared", models).encode(text)).all()


def test_a_damaged_bundle_is_said_and_left_as_it_is(builder: Builder, history: Path, tmp_path: Path) -> None:
    out = Repository(str(history), str(tmp_path / "out"))
    builder.build([out])
    (directory,) = (tmp_path / "out").iterdir()
    (directory / MANIFEST_FILE).write_text("{}")
    before = load(tmp_path / "out")
    ((_, problem),) = builder.build([out]).problems
    assert "cannot be added to: its manifest is damaged" in problem.message
    assert load(tmp_path / "out") == before


@pytest.fixture(params=["directory", "address"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where to write; the address is a directory too, and written by fsspec as an object store is."""
    return check_address(str(tmp_path / "out") if request.param == "directory" else f"local://{tmp_path}/out")


def test_a_part_is_there_until_its_rows_are_listed(out: str, job: Job, models: Path) -> None:
    texts = [f"text {number}" for number in range(3)]
    keys = [hash_text(text) for text in texts]
    embeddings = open_encoder(job.model, "prepared", models).encode(texts)
    output = open_output(out, job.model_id)
    assert output.list_parts() == []
    write_part(output, job.model_id, keys, embeddings)
    write_part(output, job.model_id, keys[:1], embeddings[:1])
    output.add_part("0" * 64 + PART, b"damaged")
    with open_locked(out, job.model_id) as locked:
        parts = Parts(locked, job.model_id, job.dimension)
        assert [key in parts for key in (*keys, hash_text("other"))] == [True, True, True, False]
        publish(locked, job.model_id, job.dimension, parts.iter_rows(keys[0]))
        assert find_listed(locked, job.model_id) == {keys[0]}
        locked.remove_parts(parts.list_done(find_listed(locked, job.model_id)))
    assert len(output.list_parts()) == 1
    assert [key for key, _ in Parts(output, job.model_id, job.dimension).iter_rows(b"".join(keys))] == keys


def test_an_object_store_is_built_to_as_a_directory_is(builder: Builder, history: Path, tmp_path: Path) -> None:
    totals = builder.build([Repository(str(history), f"local://{tmp_path}/out")])
    assert (totals.added, totals.problems) == (50, [])
    assert load(tmp_path / "out") == build_whole(builder.job, history, tmp_path / "whole")


def test_who_publishes_to_an_object_store_notices_another(builder: Builder, history: Path, tmp_path: Path) -> None:
    address, job = f"local://{tmp_path}/out", builder.job

    def build_meanwhile() -> Iterator[Row]:
        builder.build([Repository(str(history), address)])
        yield b"k" * 16, b"v" * 2 * job.dimension

    with open_locked(address, job.model_id) as slow, pytest.raises(MovedError):
        publish(slow, job.model_id, job.dimension, build_meanwhile())
    assert len(find_listed(open_output(address, job.model_id), job.model_id)) == 50


def test_an_address_of_an_unknown_kind_is_refused(job: Job) -> None:
    with pytest.raises(NotInstalledError, match="cannot be opened"):
        open_output("nosuch://bucket/ail", job.model_id)
