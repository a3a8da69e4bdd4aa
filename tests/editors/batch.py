"""Vim and Emacs run for real, without a screen."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

from tests.editors.conftest import ROOT
from tests.running import Home
from tests.tools import require

WAIT = ["let waited = 0", "while empty(getqflist()) && waited < 2000", "sleep 10m", "let waited += 1", "endwhile"]
"""Lines of Vim that wait for a quickfix list."""


def run_vim(home: Home, file: str, lines: list[str], cwd: Path) -> list[Any]:
    """Run Vim's *lines* on *file* and return the quickfix list as [file's name, line, text]."""
    out = home.directory / "out.json"
    out.unlink(missing_ok=True)
    listed = "map(getqflist(), {_, entry -> [bufname(entry.bufnr), entry.lnum, entry.text]})"
    recipe = str(ROOT / "editors" / "vim" / "ail.vim")
    script = home.directory / "test.vim"
    script.write_text(
        "\n".join([f"source {recipe}", *lines, f"call writefile([json_encode({listed})], '{out}')", "qall!"])
    )
    done = subprocess.run(
        [require("vim"), "-es", "-u", "NONE", "-i", "NONE", "-N", "-S", str(script), "--", file],
        cwd=cwd, env=home.env | {"LC_ALL": "C.UTF-8", "TERM": "dumb"}, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert out.exists(), (done.stdout, done.stderr)
    found: list[Any] = json.loads(out.read_text())
    return found


def show_in_vim(home: Home, file: str, lines: list[str], cwd: Path) -> None:
    """Run Vim's *lines* on *file* on a terminal of 80 columns by 40 lines."""
    script = home.directory / "shown.vim"
    script.write_text("\n".join([f"source {ROOT / 'editors' / 'vim' / 'ail.vim'}", *lines, "qall!"]))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        [require("vim"), "-u", "NONE", "-i", "NONE", "-N", "-S", str(script), "--", file], cwd=cwd, stdin=theirs, stdout=theirs,
        stderr=theirs, env=home.env | {"LC_ALL": "C.UTF-8", "TERM": "xterm"}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):
        while terminal.read(65536):
            pass
    assert process.wait(60) == 0


def run_emacs(home: Home, files: list[Path], lisp: str) -> list[list[str]]:
    """Ask as *lisp* does in each of *files*; return where the first error leads, then what the compilation buffer says."""
    out = home.directory / "out.txt"
    out.unlink(missing_ok=True)
    (home.directory / "test.el").write_text(f"""
    (require 'json)
    (defun ask (file)
      (find-file file)
      {lisp}
      (while (process-live-p (get-buffer-process "*ail*")) (accept-process-output nil 0.05))
      (accept-process-output nil 0.05)
      (let ((text (with-current-buffer "*ail*" (buffer-substring-no-properties (point-min) (point-max)))) (place "nowhere"))
        (with-current-buffer "*ail*" (goto-char (point-min)))
        (condition-case nil
          (progn (next-error 1 t) (setq place (format "%s:%d" (file-name-nondirectory (buffer-file-name)) (line-number-at-pos))))
          (error nil))
        (concat place "\n" text)))
    (let ((said (mapcar #'ask '({" ".join(json.dumps(str(file)) for file in files)}))))
      (with-temp-file {json.dumps(str(out))} (insert (json-encode (vconcat said)))))
    """)
    command = ["-Q", "--batch", "-l", str(ROOT / "editors/emacs/ail.el"), "-l", str(home.directory / "test.el")]
    done = subprocess.run(
        [require("emacs"), *command],
        cwd=home.directory,
        env=home.env | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert out.exists(), done.stderr
    return [said.splitlines() for said in json.loads(out.read_text())]
