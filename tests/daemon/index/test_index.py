from __future__ import annotations

import contextlib
import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from tests.daemon.index.making import HashEncoder, make_commit

from ail_daemon.index.repoindex import STAMP, WORDS, RepoIndex
from ail_daemon.index.store import STORE_FILE, check_seal
from ail_daemon.index.words import MESSAGE_FIELDS
from ail_daemon.model import Tips
from ail_daemon.process.checksum import hash_file_as_before
from ail_daemon.text.passages import CommitChanges


def find_words(index: RepoIndex, question: str) -> list[str]:
    """The subjects found for *question*, best first."""
    hits = index.words.find(index.words.analyze(question), MESSAGE_FIELDS, 10)
    commits = index.store.get_commits(list(hits))
    return [commits[i].subject for i in hits]


def word_files(directory: Path) -> list[Path]:
    return [path for path in (directory / "words").iterdir() if not path.name.startswith(".") and path.stat().st_size]


def embed_all(index: RepoIndex, encoder: HashEncoder) -> None:
    texts = list(index.store.find_unembedded(1000)[0].items())
    index.add_embeddings([text_hash for text_hash, _ in texts], encoder.encode([text for _, text in texts]))


def test_commits_are_found_by_words_at_once_and_by_meaning_once_embedded(
    index: RepoIndex, encoder: HashEncoder
) -> None:
    index.change(commits=[make_commit(1, "Retry the upload"), make_commit(2, "Paint it blue")])
    index.publish()
    assert find_words(index, "why retry?") == ["Retry the upload"]
    query = encoder.encode(["paint it blue"])
    assert index.find_near(query, 5) == {}
    embed_all(index, encoder)
    (best, cosine), *_ = index.find_near(query, 5).items()
    assert index.store.get_commits([best])[best].subject == "Paint it blue"
    assert cosine == pytest.approx(1, abs=1e-3)


def test_which_of_many_equal_messages_are_found_does_not_hang_on_when_they_came(
    tmp_path: Path, encoder: HashEncoder
) -> None:
    commits = [make_commit(number, "Update the list of plugins") for number in range(200)]
    found = []
    for name, batches in (("a", [commits]), ("b", [commits[100:], commits[:100]])):
        index = RepoIndex(tmp_path / name, encoder)
        index.store.add_commits(commits)  # the same ids in both
        for batch in batches:
            ids = np.array([index.store.get_ids([one.sha])[one.sha] for one in batch], np.int64)
            assert index.vectors is not None
            index.vectors.add(ids, encoder.encode([one.message for one in batch]))
            for one, commit_id in zip(batch, ids.tolist(), strict=True):
                index.words.add_message(commit_id, one.subject, one.message, one.paths)
            index.publish()
        query = encoder.encode(["update the list of plugins"])
        found.append((index.find_near(query, 70), find_words(index, "why update the list of plugins?")))
        index.close()
    assert found[0] == found[1]
    assert len(found[0][0]) == 70


def test_removed_commits_are_found_by_nothing(index: RepoIndex, encoder: HashEncoder) -> None:
    index.change(commits=[make_commit(1, "Retry the upload"), make_commit(2, "Retry the download")])
    index.publish()
    embed_all(index, encoder)
    index.change(gone=[f"{1:040x}"])
    assert find_words(index, "retry") == ["Retry the download"]
    assert len(index.find_near(encoder.encode(["Retry the upload"]), 5)) == 1
    assert index.counts.commits == index.counts.embedded == 1


def test_a_text_seen_before_is_never_encoded_again(index: RepoIndex, encoder: HashEncoder) -> None:
    index.change(commits=[make_commit(1, "Retry the upload")])
    index.publish()
    embed_all(index, encoder)
    index.change(gone=[f"{1:040x}"])
    index.change(commits=[make_commit(2, "Retry the upload")])
    index.publish()
    assert index.store.find_unembedded(10)[0] == {}
    assert len(index.find_near(encoder.encode(["upload"]), 5)) == 1


def test_everything_is_there_after_opening_again(tmp_path: Path, encoder: HashEncoder) -> None:
    first = RepoIndex(tmp_path, encoder)
    first.change(commits=[make_commit(1, "Retry the upload")])
    first.publish()
    embed_all(first, encoder)
    first.add_changed([CommitChanges(f"{1:040x}", "+retry_budget = 3")])
    first.publish()
    first.change(tips=Tips(f"{1:040x}"))
    first.settle()
    first.close()
    again = RepoIndex(tmp_path, encoder)
    assert find_words(again, "retry") == ["Retry the upload"]
    assert again.counts == first.counts
    assert again.tips.head == f"{1:040x}"
    again.close()


def test_words_behind_the_store_are_built_anew(tmp_path: Path, encoder: HashEncoder) -> None:
    index = RepoIndex(tmp_path, encoder)
    index.change(commits=[make_commit(1, "Retry the upload")])
    index.publish()
    index.settle()
    index.store.add_commits([make_commit(2, "Retry the download")])  # as if killed before the words were written
    index.close()
    again = RepoIndex(tmp_path, encoder)
    assert sorted(find_words(again, "retry")) == ["Retry the download", "Retry the upload"]
    again.close()


def test_damaged_word_files_never_give_a_wrong_answer(tmp_path: Path, encoder: HashEncoder) -> None:
    index = RepoIndex(tmp_path, encoder)
    index.change(commits=[make_commit(n, f"Retry number{n} upload") for n in range(50)])
    index.publish()
    index.settle()
    index.close()
    names = {path.suffix for path in word_files(tmp_path)}
    dice = random.Random(7)
    for suffix in sorted(names):
        for path in [path for path in word_files(tmp_path) if path.suffix == suffix]:
            data = bytearray(path.read_bytes())
            data[dice.randrange(len(data))] ^= 0xFF
            path.write_bytes(data)
        again = RepoIndex(tmp_path, encoder)
        assert find_words(again, "number17") == ["Retry number17 upload"]
        again.close()


def test_embeddings_of_another_model_are_forgotten(tmp_path: Path) -> None:
    old = HashEncoder("old")
    index = RepoIndex(tmp_path, old)
    index.change(commits=[make_commit(1, "Retry the upload")])
    index.publish()
    embed_all(index, old)
    index.close()
    again = RepoIndex(tmp_path, HashEncoder("new"))
    assert again.counts.embedded == 0
    assert len(again.store.find_unembedded(10)[0]) == 1
    again.close()


def test_without_a_model_words_alone_answer(tmp_path: Path) -> None:
    index = RepoIndex(tmp_path, None)
    index.change(commits=[make_commit(1, "Retry the upload")])
    index.publish()
    assert find_words(index, "retry") == ["Retry the upload"]
    assert index.find_near(np.ones((1, 8), np.float32), 3) == {}
    index.close()


def test_changed_lines_are_found_apart_from_messages(index: RepoIndex) -> None:
    index.change(commits=[make_commit(1, "Tune"), make_commit(2, "Raise retry budget")])
    index.publish()
    index.add_changed([CommitChanges(f"{1:040x}", "+retryBudget = 5"), CommitChanges(f"{2:040x}", "")])
    index.publish()
    terms = index.words.analyze("retry budget")
    (changed,) = index.words.find(terms, {"changed": 1.0}, 10)
    assert index.store.get_commits([changed])[changed].subject == "Tune"
    assert find_words(index, "retry budget") == ["Raise retry budget"]
    assert index.counts.changed == 2


def test_an_index_at_rest_has_no_thread_and_is_found_in_as_before(index: RepoIndex) -> None:
    index.change(commits=[make_commit(1, "Retry the upload")])
    index.publish()
    index.words.end_changes()
    before = count_file_watchers()
    index.rest()
    end = time.monotonic() + 30
    while count_file_watchers() >= before:  # tantivy's threads look twice a second whether they are to end
        assert time.monotonic() < end
        time.sleep(0.01)
    assert find_words(index, "why retry?") == ["Retry the upload"]
    index.rest()
    index.change(commits=[make_commit(2, "Paint it blue")])
    index.publish()
    assert find_words(index, "why blue?") == ["Paint it blue"]


def count_file_watchers() -> int:
    names = []
    for path in Path("/proc/self/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            names.append(path.read_text())
    return sum(name.startswith("thread-tantivy") for name in names)


def test_checksums_that_a_version_before_wrote_are_taken_over(tmp_path: Path) -> None:
    index = RepoIndex(tmp_path, None)
    index.change(commits=[make_commit(1, "Keep plovers")])
    index.publish()
    index.settle()
    index.close()
    stamp = json.loads((tmp_path / STAMP).read_text())
    stamp["files"] = {name: hash_file_as_before(tmp_path / WORDS / name)[:32] for name in stamp["files"]}
    (tmp_path / STAMP).write_text(json.dumps(stamp))
    seal = tmp_path / "store.seal"
    seal.write_text(hash_file_as_before(tmp_path / STORE_FILE))
    before = {path: path.stat().st_ino for path in (tmp_path / WORDS).iterdir()}
    assert check_seal(tmp_path / STORE_FILE) is True
    RepoIndex(tmp_path, None).close()
    assert {path: path.stat().st_ino for path in (tmp_path / WORDS).iterdir()} == before
