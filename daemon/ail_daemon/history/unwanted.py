"""Which files' changed lines say nothing of why: locked, generated, vendored ones, told by their names."""

from __future__ import annotations

_FILES = (
    "*.lock", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "go.sum", "*.lock.json",
    "packages.lock.json", "Package.resolved", "*.min.js", "*.min.css", "*.map", "*.bundle.js",
    "*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py",
    "*.pb.go", "*.pb.cc", "*.pb.h", "*.g.dart", "*.designer.cs", "*.snap", "*.svg", "*.ipynb", "*.po", "*.pot",
)  # fmt: skip
_DIRECTORIES = ("node_modules", "vendor", "third_party", "_vendor", "bower_components", ".yarn", "__snapshots__")

PATHSPECS = (
    ".",
    *(f":(exclude,glob,icase)**/{name}" for name in _FILES),
    *(f":(exclude,glob)**/{name}/**" for name in _DIRECTORIES),
)
"""git leaves them out itself: measured cheaper than writing out their diffs."""
