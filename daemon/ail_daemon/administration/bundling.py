"""`ail-daemon bundle create|merge`: publishes the embeddings of an index, for others to use. A daemon may be running."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ail_rpc.discovery import RepoPlace, find_repository
from ail_rpc.errors import ModelError, NotEnrolledError, NotFoundError
from ail_rpc.paths import get_state_dir

from ..bundles.fetching import REF_SOURCE
from ..bundles.publishing import Published, Row, Sign, merge, publish
from ..bundles.shelves import DirectoryShelf, RefShelf, Shelf, locked_directory
from ..bundles.signing import sign
from ..index.store import STORE_FILE, Reading, open_reader
from ..repos.places import get_key, get_main_place

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = {
    "create": (
        "ail-daemon bundle create /srv/ail/project",
        "ail-daemon bundle create ~/src/project ref: && git -C ~/src/project push origin 'refs/ail/*'",
        "ail-daemon bundle create --sign ~/.ssh/id_ed25519 /srv/ail/project",
    ),
    "merge": ("ail-daemon bundle merge /srv/ail/other /srv/ail/project",),
}
_OUT = "a directory, or ref: for the repository's own refs/ail/*"


def add_parser(subparsers: Subparsers) -> None:
    """Mount `bundle` and its own subcommands; the parsed arguments go to `run`."""
    bundle = subparsers.add_parser("bundle", help="publish embeddings, so that others need not encode the same commits")
    actions = bundle.add_subparsers(dest="bundle_action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="add what the index has to a bundle")
    create.add_argument(
        "directory", nargs="?", default=".", metavar="DIR", help="a directory of the repository (default: .)"
    )
    create.add_argument("out", metavar="OUT", help=_OUT)
    union = actions.add_parser("merge", help="add what another bundle has")
    union.add_argument("source", type=Path, metavar="FROM", help="a directory with a bundle")
    union.add_argument("out", metavar="OUT", help=_OUT)
    union.add_argument(
        "--repo", dest="directory", default=".", metavar="DIR", help="the repository, for ref: (default: .)"
    )
    for name, examples in _EXAMPLES.items():
        parser = actions.choices[name]
        parser.add_argument("--sign", type=Path, metavar="KEY", help="sign it with this SSH key")
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "\n  ".join(("examples:", *examples))


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status. Raises AilError."""
    signing = partial(sign, key=args.sign.expanduser().absolute()) if args.sign else None
    if args.bundle_action == "create":
        return _create(args.directory, args.out, signing)
    models = sorted(path.name for path in args.source.glob("*") if (path / "manifest.json").is_file())
    if not models:
        raise NotFoundError(f"there is no bundle in {args.source}", "name the directory that `bundle create` wrote to")
    for model_id in models:
        with _open_shelf(args.out, args.directory, model_id) as shelf:
            _say(merge(DirectoryShelf(args.source / model_id), shelf, model_id, signing), args.out)
    return 0


def _create(directory: str, out: str, signing: Sign | None) -> int:
    place = get_main_place(find_repository(directory))
    path = Path(get_state_dir()) / "repos" / get_key(place) / STORE_FILE
    if not path.is_file():
        raise NotEnrolledError(
            f"{place.root} has no index: what is published is what was indexed here",
            f"`ail-client add {place.root} --wait`, or `ail-daemon build {place.root}`",
        )
    with open_reader(path) as db:
        model_id, dimension, missing = _describe(db)
        if not dimension:
            raise ModelError(
                "the index has no embeddings yet", "wait until `ail-client status` shows that it is complete"
            )
        with _open_shelf(out, directory, model_id) as shelf:
            published = publish(shelf, model_id, dimension, _iter_rows(db), signing)
    if missing:
        _note(f"note: {missing:,} messages have no embedding yet, and are not in the bundle")
    return _say(published, out)


@contextlib.contextmanager
def _open_shelf(out: str, directory: str, model_id: str) -> Iterator[Shelf]:
    if out == REF_SOURCE:
        yield RefShelf(_find_place(directory), f"refs/ail/{model_id}")
    else:
        with locked_directory(Path(out).expanduser().absolute() / model_id) as shelf:
            yield shelf


def _find_place(directory: str) -> RepoPlace:
    return get_main_place(find_repository(os.path.abspath(directory)))


def _describe(db: Reading) -> tuple[str, int, int]:
    """Return the id of the model, the length of its embeddings (0: there are none), and how many texts have none yet."""
    model = db.execute("SELECT value FROM meta WHERE key = 'model_id'").fetchone()
    size = db.execute("SELECT length(vector) FROM embeddings LIMIT 1").fetchone()
    ((missing,),) = db.execute(
        "SELECT count(DISTINCT text_hash) FROM commits WHERE text_hash NOT IN (SELECT text_hash FROM embeddings)"
    )
    return str(model[0]) if model else "", size[0] // 2 if model and size else 0, int(missing)


def _iter_rows(db: Reading) -> Iterator[Row]:
    """Yield the embedding of each message once, the oldest first. What no commit has any more is not published."""
    return iter(
        db.execute(
            "SELECT c.text_hash, e.vector FROM commits c JOIN embeddings e USING (text_hash)"
            " GROUP BY c.text_hash ORDER BY min(c.commit_time), c.text_hash"
        )
    )


def _say(published: Published, out: str) -> int:
    size = f"{published.written / 1e6:,.1f} MB" if published.written >= 1e5 else f"{published.written:,} bytes"
    _note(
        f"{out}: {published.added:,} embeddings added in {published.segments} segments, {size} written; "
        f"it has {published.rows:,}"
    )
    return 0


def _note(text: str) -> None:
    print("".join(c if c.isprintable() else "�" for c in text), file=sys.stderr, flush=True)  # noqa: T201
