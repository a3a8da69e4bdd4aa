"""The locks: held once, taken again, honest about who has them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from tests.daemon.daemon_process import User

from ail_daemon.process.locks import DaemonLocks, Lock, acquire, open_private_dir
from ail_rpc.errors import UnavailableError


@pytest.fixture
def place(user: User) -> Iterator[str]:
    """A directory closed to others, and a mask that keeps what is made in it so."""
    before = os.umask(0o077)
    yield user.home
    os.umask(before)


def test_a_lock_is_held_once_and_free_after_its_release(place: str) -> None:
    path = os.path.join(place, "lock")
    first = Lock(path)
    with pytest.raises(BlockingIOError):
        Lock(path)
    first.release()
    Lock(path).release()
    assert os.path.exists(path), "the file stays: a lock on an unlinked file guards nothing"


@pytest.mark.parametrize("harm", ["removed", "replaced"])
def test_a_lock_whose_file_was_harmed_is_taken_again(place: str, harm: str) -> None:
    path = os.path.join(place, "lock")
    held = Lock(path)
    os.unlink(path)
    if harm == "replaced":
        open(path, "w").close()
    held.renew()
    with pytest.raises(BlockingIOError):
        Lock(path)
    held.release()
    Lock(path).release()


def test_a_lock_that_somebody_else_took_meanwhile_is_not_taken_away(place: str) -> None:
    path = os.path.join(place, "lock")
    held = Lock(path)
    os.unlink(path)
    other = Lock(path)
    with pytest.raises(BlockingIOError):
        held.renew()
    other.release()
    held.renew()


def test_losing_the_second_lock_gives_back_the_first(place: str) -> None:
    state = os.path.join(place, "state")
    with DaemonLocks(os.path.join(place, "a", "sock"), state):
        with pytest.raises(BlockingIOError):
            DaemonLocks(os.path.join(place, "b", "sock"), state)
        Lock(os.path.join(place, "b", "sock.lock")).release()


def test_a_lock_taken_by_one_who_never_answers_is_an_error_that_says_so(place: str) -> None:
    path, state = os.path.join(place, "ail.sock"), os.path.join(place, "state")
    with DaemonLocks(path, state), pytest.raises(UnavailableError, match="does not answer"):
        acquire(path, state, wait_s=0.1)


def test_a_holder_with_a_full_backlog_is_busy_and_not_dead(place: str) -> None:
    path, state = os.path.join(place, "ail.sock"), os.path.join(place, "state")
    with DaemonLocks(path, state), socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as waiting:
        listening.bind(path)
        listening.listen(0)
        waiting.connect(path)
        assert acquire(path, state, wait_s=0.1) == path


def test_a_note_that_is_damaged_or_old_is_passed_over(place: str) -> None:
    path, state = os.path.join(place, "ail.sock"), os.path.join(place, "state")
    for note in (b"", b"\xff", b"[]", b'{"socket": 3}', b'{"socket": "/nonexistent", "pid": 1}'):
        with DaemonLocks(path, state) as held:
            held.announce("1")
            with open(os.path.join(state, "daemon.json"), "wb") as file:
                file.write(note)
            with pytest.raises(UnavailableError):
                acquire(os.path.join(place, "other"), state, wait_s=0)


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o770, 0o777])
def test_a_directory_that_others_may_enter_is_refused(place: str, mode: int) -> None:
    os.chmod(place, mode)
    with pytest.raises(UnavailableError, match="is not yours alone"):
        open_private_dir(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")
def test_a_directory_of_somebody_else_is_refused(place: str) -> None:
    os.mkdir(os.path.join(place, "theirs"), 0o700)
    os.chown(os.path.join(place, "theirs"), 65534, 65534)
    with pytest.raises(UnavailableError, match="is not yours alone"):
        open_private_dir(os.path.join(place, "theirs"))


def test_a_file_where_a_directory_should_be_and_a_link_where_a_lock_should_be_are_refused(place: str) -> None:
    open(os.path.join(place, "file"), "w").close()
    with pytest.raises(UnavailableError, match="cannot be used"):
        open_private_dir(os.path.join(place, "file"))
    os.symlink(os.path.join(place, "file"), os.path.join(place, "lock"))
    with pytest.raises(UnavailableError, match="cannot be opened"):
        Lock(os.path.join(place, "lock"))
