"""Runs the steps of `action.yml`, and the GitLab job of docs/reviews.md, with the variables that the real ones set."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from tests.running import BIN, Home

ROOT = Path(__file__).resolve().parents[2]
_EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")


class Forge:
    """Serves the comments of one request, as GitHub's and GitLab's APIs do. status: what writes are refused with, 0: none is."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.status = 0
        self.me = "github-actions[bot]"
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                said = json.loads(self.rfile.read(length)) if length else None
                status, value = forge.handle(self.command, self.path, said)
                forge.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the library's names

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, method: str, path: str, said: dict[str, str] | None) -> tuple[int, Any]:
        self.calls.append((method, path.partition("?")[0]))
        if method == "GET" and path.endswith("/user"):
            return 200, {"username": self.me}
        if method == "GET":
            page = int(re.search(r"[?&]page=(\d+)", path)[1])  # type: ignore[index]
            return 200, self.comments[100 * (page - 1) : 100 * page]
        if self.status:
            return self.status, {"message": "Resource not accessible by integration"}
        assert said is not None
        if method == "POST":
            self.add(said["body"], self.me)
            return 201, self.comments[-1]
        number = int(path.rpartition("/")[2])
        changed = next(one for one in self.comments if one["id"] == number)
        changed["body"] = said["body"]
        return 200, changed

    def add(self, body: str, author: str) -> None:
        self.comments.append(
            {"id": len(self.comments) + 1, "body": body, "user": {"login": author}, "author": {"username": author}}
        )

    def get_ours(self) -> list[str]:
        return [one["body"] for one in self.comments if (one["user"]["login"]) == self.me]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Job:
    """What a job leaves: its summary, its log, the report, the outputs."""

    def __init__(self, directory: Path) -> None:
        self.summary = directory / "summary.md"
        self.output = directory / "output"
        self.event = directory / "event.json"
        self.temp = directory / "temp"
        self.temp.mkdir(exist_ok=True)
        for file in (self.summary, self.output):
            file.write_text("")
        self.log = ""
        self.status = 0

    @property
    def report(self) -> str:
        return (self.temp / "ail-review.md").read_text()


class Runner:
    """Runs jobs for a checkout, in the environment of a home; the cache is kept between jobs."""

    def __init__(self, home: Home, checkout: Path, forge: Forge, directory: Path) -> None:
        self._home = home
        self._checkout = checkout
        self._forge = forge
        self._directory = directory
        self._cache = directory / "cache"

    def run_action(self, base: str, head: str, **inputs: str) -> Job:
        """Run the composite action as GitHub does for pull request 7."""
        job = Job(self._directory)
        job.event.write_text(json.dumps({"pull_request": {"number": 7, "base": {"sha": base}, "head": {"sha": head}}}))
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        known = {
            "github.event.pull_request.base.sha": base, "github.event.pull_request.head.sha": head, "github.token": "t0ken",
            "github.sha": head, "runner.os": "Linux", "runner.temp": str(job.temp),
        }  # fmt: skip
        for name, described in action["inputs"].items():
            known[f"inputs.{name}"] = inputs.get(name, self._fill(described.get("default", ""), known))
        env = self._env | {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_WORKSPACE": str(self._checkout),
            "GITHUB_API_URL": self._forge.url, "GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(job.event), "GITHUB_STEP_SUMMARY": str(job.summary), "GITHUB_OUTPUT": str(job.output),
            "RUNNER_TEMP": str(job.temp), "RUNNER_OS": "Linux",
        }  # fmt: skip
        for step in action["runs"]["steps"]:
            if "uses" in step:
                self._restore(Path(self._fill(step["with"]["path"], known)))
                continue
            own = {name: self._fill(value, known) for name, value in step.get("env", {}).items()}
            if not self._run_step(job, self._fill(step["run"], known), env | own):
                break
        self._save(job.temp / "ail-state")
        return job

    def run_gitlab(self, base: str, head: str, token: str | None) -> Job:
        """Run the job of docs/reviews.md as GitLab does for merge request 7."""
        job = Job(self._directory)
        text = (ROOT / "docs/reviews.md").read_text().split("# .gitlab-ci.yml\n")[1].split("```")[0]
        described = yaml.safe_load(text)["history"]
        env = self._env | {
            "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(self._checkout),
            "CI_API_V4_URL": f"{self._forge.url}/api/v4",
            "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_COMMIT_SHA": head,
            "AIL_GITLAB_TOKEN": token or "",
        }  # fmt: skip
        for name, value in described["variables"].items():
            env[name] = re.sub(r"\$(\w+)", lambda found: env[found[1]], str(value))
        for line in described["script"]:
            if not self._run_step(job, line.replace("/opt/AIL", str(ROOT)), env):
                break
        shutil.move(self._checkout / "ail-review.md", job.temp / "ail-review.md")
        shutil.rmtree(self._checkout / ".ail-state")
        return job

    @property
    def _env(self) -> dict[str, str]:
        plain = {name: value for name, value in self._home.env.items() if not name.startswith(("AIL_", "XDG_"))}
        return plain | {"PATH": f"{BIN}:{plain['PATH']}"}

    def _run_step(self, job: Job, script: str, env: dict[str, str]) -> bool:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=self._checkout, env=env,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        job.log += done.stdout + done.stderr
        job.status = done.returncode
        return done.returncode == 0

    @staticmethod
    def _fill(text: str, known: dict[str, str]) -> str:
        return _EXPRESSION.sub(lambda found: known[found[1]], str(text))

    def _restore(self, path: Path) -> None:
        if self._cache.exists():
            shutil.copytree(self._cache, path, dirs_exist_ok=True)

    def _save(self, path: Path) -> None:
        if path.exists():
            shutil.rmtree(self._cache, ignore_errors=True)
            shutil.copytree(path, self._cache)
            shutil.rmtree(path)
