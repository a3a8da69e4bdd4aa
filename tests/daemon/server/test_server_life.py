"""Starting, being the only one, being killed, stopping: whole processes."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.daemon.daemon_process import DAEMON, SCRIPTED, User, ask, connect, is_answering, read_replies, wait_until

from ail_rpc.messages import encode_request


def test_a_daemon_that_is_ready_answers_at_the_socket_it_named(user: User) -> None:
    started = user.start_ready()
    status = ask(user.socket_path, "status")
    assert status["pid"] == started.process.pid
    assert status["socket"] == user.socket_path
    assert 5_000_000 < status["uss_bytes"] < status["rss_bytes"] < 150_000_000


def test_socket_locks_and_their_directories_are_closed_to_others(user: User) -> None:
    user.start_ready()
    modes = {
        path: stat.S_IMODE(os.lstat(path).st_mode)
        for path in (os.path.dirname(user.socket_path), user.state_dir, user.socket_path, user.socket_path + ".lock")
    }
    assert list(modes.values()) == [0o700, 0o700, 0o600, 0o600]


@pytest.mark.slow
def test_after_each_of_ten_kills_the_next_start_succeeds_at_its_first_try(user: User) -> None:
    for _ in range(10):
        started = user.start_ready()
        started.process.kill()
        started.process.wait()
        assert os.path.exists(user.socket_path), (
            "a killed daemon leaves its socket behind: that is the case to be shown"
        )


@pytest.mark.slow
def test_of_thirty_started_at_once_one_stays_and_all_name_its_socket(user: User) -> None:
    started = [user.start() for _ in range(30)]
    with ThreadPoolExecutor(30) as pool:
        lines = list(pool.map(lambda one: one.read_ready(), started))
    assert lines == [{"socket": user.socket_path}] * 30
    wait_until(lambda: sum(one.process.poll() is None for one in started) == 1)
    [winner] = [one.process.pid for one in started if one.process.poll() is None]
    assert ask(user.socket_path, "hello")["pid"] == winner
    assert [one.process.returncode for one in started if one.process.pid != winner] == [0] * 29


def test_a_daemon_with_another_socket_but_the_same_state_names_the_first_ones_socket(user: User) -> None:
    user.start_ready()
    second = user.start(env={"AIL_SOCKET": os.path.join(user.home, "other", "ail.sock")})
    assert second.read_ready() == {"socket": user.socket_path}
    assert second.process.wait() == 0


def test_a_client_that_probes_the_lock_does_not_keep_a_daemon_from_starting(user: User) -> None:
    os.mkdir(os.path.dirname(user.socket_path), 0o700)
    probe = (
        "import fcntl,os,sys\n"
        "fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)\n"
        "fcntl.flock(fd, fcntl.LOCK_EX); print(flush=True); sys.stdin.read(1)"
    )
    command = [sys.executable, "-c", probe, user.socket_path + ".lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as prober:
        assert prober.stdout
        prober.stdout.readline()
        started = user.start()
        assert not select.select([started.ready_fd], [], [], 0.3)[0], "it must not give up while the lock is probed"
        prober.communicate(b"x")
    assert started.read_ready() == {"socket": user.socket_path}


def test_a_file_that_is_no_socket_is_replaced(user: User) -> None:
    os.mkdir(os.path.dirname(user.socket_path), 0o700)
    open(user.socket_path, "w").close()
    user.start_ready()
    assert ask(user.socket_path, "health", kind="ready") == {"kind": "ready", "ok": True, "reason": None}


def test_a_false_pid_in_the_note_is_never_signalled(user: User) -> None:
    os.makedirs(user.state_dir, 0o700)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        note = {"socket": user.socket_path, "pid": bystander.pid, "version": "0"}
        with open(os.path.join(user.state_dir, "daemon.json"), "w") as file:
            json.dump(note, file)
        user.start_ready()
        ask(user.socket_path, "stop")
        assert bystander.poll() is None
        bystander.kill()


def test_a_directory_open_to_others_is_refused_with_what_to_do(user: User) -> None:
    os.mkdir(os.path.dirname(user.socket_path))
    os.chmod(os.path.dirname(user.socket_path), 0o755)  # noqa: S103 - that is the fault to be found
    started = user.start()
    code, message, more = started.read_ready()["error"]
    assert (code, message) == (30, f"{os.path.dirname(user.socket_path)} is not yours alone")
    assert "chmod 700" in more["hint"]
    assert started.process.wait() == 3


def test_a_linked_directory_is_refused(user: User) -> None:
    os.mkdir(os.path.join(user.home, "elsewhere"), 0o700)
    os.symlink(os.path.join(user.home, "elsewhere"), os.path.dirname(user.socket_path))
    assert user.start().read_ready()["error"][0] == 30


def test_a_wrong_setting_is_refused_by_name_on_pipe_and_stderr(user: User) -> None:
    started = user.start(env={"AIL_CACHE_SIZE": "many"}, stderr=subprocess.PIPE)
    error = started.read_ready()["error"]
    assert error == [
        2,
        "AIL_CACHE_SIZE must be a whole number from 0 to 1,000,000",
        {"hint": "correct it in the environment"},
    ]
    _, words = started.process.communicate()
    assert words.decode().splitlines() == [f"ail-daemon: {error[1]}", "hint: correct it in the environment"]
    assert started.process.returncode == 2


def test_sigterm_answers_what_runs_then_removes_the_socket(user: User) -> None:
    started = user.start_ready(program=SCRIPTED)
    running = os.path.join(user.home, "running")
    with connect(user.socket_path) as connected:
        connected.sendall(encode_request(3, "wait", {"running": running}))
        wait_until(lambda: os.path.exists(running))
        started.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not os.path.exists(user.socket_path))
        os.unlink(running)
        assert read_replies(connected, 1) == [(3, None, "waited")]
    assert started.process.wait() == 0


def test_a_request_that_outlasts_the_stop_is_answered_that_the_daemon_is_stopping(user: User) -> None:
    started = user.start_ready("--limits", '{"stop_s": 0.1}', program=SCRIPTED)
    running = os.path.join(user.home, "running")
    with connect(user.socket_path) as connected:
        connected.sendall(encode_request(3, "wait", {"running": running}))
        wait_until(lambda: os.path.exists(running))
        started.process.send_signal(signal.SIGTERM)
        [(request_id, error, _)] = read_replies(connected, 1)
    assert (request_id, error[:2]) == (3, [30, "the daemon is stopping"])
    assert started.process.wait() == 0


def test_the_method_stop_is_answered_and_the_next_start_succeeds(user: User) -> None:
    started = user.start_ready()
    assert ask(user.socket_path, "stop") == {"pid": started.process.pid}
    user.start_ready()
    assert started.process.wait() == 0


def test_a_foreign_socket_in_its_place_is_not_removed_at_the_end(user: User) -> None:
    started = user.start_ready()
    started.process.send_signal(signal.SIGSTOP)  # awake it may bind anew before it is told to end
    os.unlink(user.socket_path)
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(user.socket_path)
        started.process.send_signal(signal.SIGTERM)
        started.process.send_signal(signal.SIGCONT)
        assert started.process.wait() == 0
        assert os.path.exists(user.socket_path)


@pytest.mark.parametrize("harm", ["removed", "replaced", "directory removed"])
def test_a_socket_that_was_harmed_is_bound_anew(user: User, harm: str) -> None:
    started = user.start_ready("--limits", '{"path_check_s": 3600, "quiet_check_s": 3600}', program=SCRIPTED)
    directory = os.path.dirname(user.socket_path)
    for name in os.listdir(directory) if harm == "directory removed" else ["ail.sock"]:
        os.unlink(os.path.join(directory, name))
    if harm == "directory removed":
        os.rmdir(directory)
    if harm == "replaced":
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.bind(os.path.join(directory, "x"))
            os.rename(os.path.join(directory, "x"), user.socket_path)
    wait_until(lambda: is_answering(user.socket_path))
    assert ask(user.socket_path, "hello")["pid"] == started.process.pid
    assert os.path.exists(user.socket_path + ".lock")
    wait_until(lambda: "socket_bound_anew" in user.read_log())


def test_a_socket_and_a_lock_that_were_removed_are_there_again_within_two_seconds(user: User) -> None:
    started = user.start_ready(program=SCRIPTED)
    for name in ("", ".lock"):
        os.unlink(user.socket_path + name)
    began = time.monotonic()
    wait_until(lambda: is_answering(user.socket_path) and os.path.exists(user.socket_path + ".lock"))
    assert time.monotonic() - began < 2.0
    assert ask(user.socket_path, "hello")["pid"] == started.process.pid


def test_clients_can_see_that_the_loop_turns(user: User) -> None:
    user.start_ready(program=SCRIPTED)
    lock = user.socket_path + ".lock"
    os.utime(lock, (1, 1))
    wait_until(lambda: ask(user.socket_path, "echo") == {} and os.stat(lock).st_mtime > 1)


def test_the_log_of_a_detached_daemon_does_not_grow_for_ever(user: User) -> None:
    user.start_ready("--detach", "--limits", '{"quiet_check_s": 0.02}', program=SCRIPTED, env={"AIL_LOG_FILE": ""})
    log = os.path.join(user.state_dir, "daemon.log")
    with open(log, "ab") as file:
        file.truncate(11 << 20)
    wait_until(lambda: os.stat(log).st_size < 1 << 20)
    ask(user.socket_path, "stop")


def test_git_variables_of_a_hook_are_gone_in_the_daemon(user: User) -> None:
    user.start_ready(program=SCRIPTED, env={"GIT_DIR": "/elsewhere", "GIT_INDEX_FILE": "x", "GITHUB_OWNER": "someone"})
    names = ask(user.socket_path, "environment")["names"]
    assert not [name for name in names if name.startswith("GIT_")]
    assert "GITHUB_OWNER" in names


def test_a_detached_daemon_lets_go_of_its_caller(user: User) -> None:
    stdout_reading, stdout_writing = os.pipe()
    other_reading, other_writing = os.pipe()
    started = user.start("--detach", program=SCRIPTED, stdout=stdout_writing, pass_fds=[other_writing], cwd=user.home)
    os.close(stdout_writing)
    os.close(other_writing)
    assert started.process.wait() == 0, "the caller is not kept waiting"
    assert started.read_ready() == {"socket": user.socket_path}
    assert os.read(stdout_reading, 1) == b"", "nobody holds the caller's stdout open"
    assert os.read(other_reading, 1) == b"", "nor any other descriptor"
    found, pid = ask(user.socket_path, "environment"), ask(user.socket_path, "hello")["pid"]
    assert found["cwd"] == "/"
    assert found["sid"] == pid != started.process.pid
    assert stat.S_IMODE(os.stat(os.path.join(user.state_dir, "daemon.log")).st_mode) == 0o600
    ask(user.socket_path, "stop")


def test_no_core_is_ever_dumped(user: User) -> None:
    started = user.start_ready(program=SCRIPTED)
    assert resource.prlimit(started.process.pid, resource.RLIMIT_CORE) == (0, 0)
    assert ask(user.socket_path, "environment")["dumpable"] == 0


def test_a_hangup_does_not_end_it(user: User) -> None:
    started = user.start_ready()
    started.process.send_signal(signal.SIGHUP)
    assert ask(user.socket_path, "hello")["pid"] == started.process.pid


def test_the_version_is_told_without_a_library_of_the_extra(user: User) -> None:
    told = subprocess.run([*DAEMON[:-1], "--version"], env=user.env, capture_output=True, text=True, check=True)
    assert told.stdout == "ail-daemon 0.1.0\n"


def test_without_the_extra_it_says_what_to_install(user: User) -> None:
    bare = os.path.join(user.home, "bare")
    os.mkdir(bare)
    for package in user.env["PYTHONPATH"].split(os.pathsep):
        for name in os.listdir(package):
            os.symlink(os.path.join(package, name), os.path.join(bare, name))
    import msgpack

    os.symlink(os.path.dirname(msgpack.__file__), os.path.join(bare, "msgpack"))
    command = [sys.executable, "-S", "-m", "ail_daemon.cli", "run"]  # -S: no site-packages
    told = subprocess.run(command, env={**user.env, "PYTHONPATH": bare}, capture_output=True, text=True, check=False)
    assert told.returncode == 69
    assert "pip install 'archaeological-intelligence[daemon]'" in told.stderr


def test_the_loser_of_the_race_imports_nothing_heavy(user: User) -> None:
    user.start_ready()
    code = (
        "import sys; from ail_daemon.cli import main; status = main(['run'])\n"
        "print(status, sorted({'asyncio', 'pydantic', 'structlog', 'numpy'} & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", code], env=user.env, capture_output=True, text=True, check=True)
    assert told.stdout == "0 []\n"
