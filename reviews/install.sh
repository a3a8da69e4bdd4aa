#!/usr/bin/env bash
# Install AIL from the directory above this one into a virtual environment, unless `ail-client` and `ail-daemon` are on PATH already.
# No model: what bears on a change is found by words and lines.
set -euo pipefail
command -v ail-client >/dev/null && command -v ail-daemon >/dev/null && exit 0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
where="${RUNNER_TEMP:-/tmp}/ail-programs"
python3 -m venv "$where"
"$where/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$here/constraints.txt" "${here}[daemon]"
if [ -n "${GITHUB_PATH:-}" ]; then echo "$where/bin" >> "$GITHUB_PATH"; fi
