#!/usr/bin/env bash
# Write to the file $1 what the history knows of $AIL_BASE...$AIL_HEAD, as Markdown; an empty file where there is nothing to say.
#
# The current directory is the checkout. $AIL_STATE, a directory kept between runs, holds the index: a later run reads only what is
# new. A review must not fail the build: whatever goes wrong is said on stderr, and the exit status is 0.
set -uo pipefail
report=$1
: > "$report"
say() { # a warning that GitHub shows beside the job; others print it
  if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::warning title=AIL::${1//$'\n'/%0A}"; else echo "$1" >&2; fi
}
if [ -z "${AIL_BASE:-}" ] || [ -z "${AIL_HEAD:-}" ]; then
  say "There is no base to compare with: run this for pull requests, or give base and head."
  exit 0
fi
state="${AIL_STATE:-$PWD/.ail-state}"
mkdir -p "$state" && chmod 700 "$state"
export XDG_STATE_HOME="$state" AIL_MODEL=none AIL_WATCH=false HF_HUB_OFFLINE=1
AIL_SOCKET="$(mktemp -d "${TMPDIR:-/tmp}/ail-XXXXXX")/s"
export AIL_SOCKET
programs="${RUNNER_TEMP:-/tmp}/ail-programs/bin"
[ -d "$programs" ] && PATH="$PATH:$programs"
said=$(mktemp)
trap 'ail-client stop >/dev/null 2>&1; rm -rf "$said" "${AIL_SOCKET%/s}"' EXIT
if ! ail-client add . --wait --timeout "${AIL_INDEXING_S:-900}" >"$said" 2>&1; then
  say "$(cat "$said")"
  exit 0
fi
ail-client related --range "$AIL_BASE...$AIL_HEAD" --format markdown --timeout 60 >"$report" 2>"$said"
status=$?
# 1 alone is "nothing bears on this"; an error has the program's name before it.
if [ "$status" -gt 1 ] || { [ "$status" -eq 1 ] && grep -q '^ail-client:' "$said"; }; then
  : > "$report"
  say "$(cat "$said")"
fi
exit 0
