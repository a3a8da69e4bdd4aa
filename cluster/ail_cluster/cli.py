"""`ail-cluster`: its command line, and its errors in words. Ray takes seconds and is imported last."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ail_rpc import VERSION
from ail_rpc.errors import AilError, InternalError, ModelError, NotInstalledError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .publishing import Publishing, Totals
    from .steps import Job, Piece

_EXIT_INTERRUPTED = 130
_SHOW_S = 10.0
_EXTRA_HINT = "pip install 'archaeological-intelligence[cluster]'"
_EPILOG = """examples:
  ail-cluster build --repos /srv/mirrors --out '/srv/ail/{name}'
  ail-cluster build --repos repos.txt --out 's3://bucket/ail/{name}' --address auto
then, for everybody: AIL_BUNDLES='https://ci.example.org/ail/{name}' ail-client add --wait"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (None: this process's) and return its exit status."""
    args = _parse(sys.argv[1:] if argv is None else argv)
    try:
        _require_extra()
        return _build(args)
    except KeyboardInterrupt:
        _say("ail-cluster: interrupted; what was encoded is kept, and the next run does the rest")
        return _EXIT_INTERRUPTED
    except AilError as err:
        return _report(err)
    except Exception as err:  # noqa: BLE001 - the last resort of `main`
        return _report(
            InternalError(f"ail-cluster failed: a bug ({type(err).__name__}: {err!s:.200})", "please report it")
        )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ail-cluster", description="Builds bundles of embeddings with Ray.")
    parser.add_argument("--version", action="version", version=f"ail-cluster {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser(
        "build", help="encode many repositories, and publish the bundles", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    build.add_argument(
        "--repos", type=Path, required=True, metavar="FILE|DIR",
        help="a file with a repository's directory a line, or a directory in which they lie",
    )  # fmt: skip
    build.add_argument(
        "--out", required=True, metavar="URL",
        help="a directory that all machines share, or an object store (s3://…); {name}: a bundle for each repository",
    )  # fmt: skip
    build.add_argument("--address", help="of a Ray cluster, as ray.init takes it; default: Ray on this machine alone")
    build.add_argument(
        "--actors", type=_positive, metavar="N", help="the most that encode at a time (default: all fit)"
    )
    build.add_argument("--threads", type=_positive, metavar="N", help="of each (default: up to 4)")
    build.add_argument("--gpu", action="store_true", help="encode on GPUs, one each, by the model's original weights")
    build.add_argument("--sign", type=Path, metavar="KEY", help="sign the bundles with this SSH key")
    return parser.parse_args(list(argv))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _build(args: argparse.Namespace) -> int:
    from .listing import list_repositories
    from .output import check_address

    out = check_address(args.out)
    if args.sign and not args.sign.expanduser().is_file():
        raise UsageError(f"--sign {args.sign} is no file", "name an SSH key")
    listed = list_repositories(args.repos.expanduser().absolute(), out)
    for note in listed.notes:
        _say(f"note: {note}")
    for path, problem in listed.problems:
        _say_problem(path, problem)
    if not listed.repositories:
        return listed.problems[0][1].exit_status
    job, model = _open_job(args)

    from ail_daemon.bundles.signing import sign

    from .publishing import Publishing
    from .running import Cluster, open_cluster, run_steps

    signing = partial(sign, key=args.sign.expanduser().absolute()) if args.sign else None
    cluster = Cluster(args.address, args.actors, args.threads)
    publishing = Publishing(job, listed.repositories, signing, _say)
    with open_cluster(cluster, _say):
        totals = _follow(publishing, run_steps(job, listed.repositories, model, cluster))
    return _finish(totals, listed.problems)


def _open_job(args: argparse.Namespace) -> tuple[Job, bytes]:
    """Return what the steps need to know, and the exported model. Raises ModelError where it is not prepared."""
    from ail_daemon.encoding.archive import export_model
    from ail_daemon.encoding.prepared import PREPARE_HINT, find_prepared
    from ail_daemon.flags import Flags
    from ail_daemon.settings import read_settings
    from ail_rpc.paths import get_state_dir

    from .steps import Job

    flags = Flags(read_settings())
    settings = flags.current
    if settings.encoder != "prepared":
        raise UsageError(f"AIL_ENCODER={settings.encoder} builds no bundles here", "unset it: a prepared model is used")
    prepared = find_prepared(Path(get_state_dir()) / "models", settings.model)
    if prepared is None:
        raise ModelError(f"the model {settings.model} is not prepared", f"{PREPARE_HINT}, or import one")
    with tempfile.TemporaryDirectory() as directory:
        export_model(prepared, file := Path(directory) / "model.tar")
        model = file.read_bytes()
    job = Job(
        settings.model, prepared.model_id, prepared.manifest.dimension, settings.refs, flags.history_limits,
        batch=settings.batch_size, has_gpu=args.gpu,
    )  # fmt: skip
    return job, model


def _follow(publishing: Publishing, pieces: Iterable[Piece]) -> Totals:
    """Take every piece; say every ten seconds how far it is."""
    began = shown = time.monotonic()
    for piece in pieces:
        publishing.take(piece)
        now = time.monotonic()
        if now - shown > _SHOW_S:
            encoded = publishing.totals.encoded
            _say(
                f"{encoded:,} texts encoded, {encoded / (now - began):,.0f}/s; {publishing.totals.published:,} published"
            )
            shown = now
    return publishing.end()


def _finish(totals: Totals, left_out: list[tuple[str, AilError]]) -> int:
    for path, problem in totals.problems:
        _say_problem(path, problem)
    problems = [*left_out, *totals.problems]
    _say(
        f"{totals.added:,} embeddings added, {totals.encoded:,} texts encoded; {totals.listed:,} were there before"
        + (f"; {len(problems):,} repositories were left out, in part or whole" if problems else "")
    )
    return problems[0][1].exit_status if problems else 0


def _say_problem(path: str, err: AilError) -> None:
    _say(f"left out: {path if path not in err.message else ''}{': ' if path not in err.message else ''}{err.message}")
    if err.hint:
        _say(f"  hint: {err.hint}")


def _report(err: AilError) -> int:
    _say(f"ail-cluster: {err.message}" + (f"\nhint: {err.hint}" if err.hint else ""))
    return err.exit_status


def _say(text: str) -> None:
    print("".join(c if c.isprintable() or c == "\n" else "�" for c in text), file=sys.stderr, flush=True)  # noqa: T201


def _require_extra() -> None:
    missing = [name for name in ("ray", "pyarrow", "onnxruntime", "tokenizers") if find_spec(name) is None]
    if missing:
        raise NotInstalledError(f"what builds on a cluster is not installed: {', '.join(missing)}", _EXTRA_HINT)
