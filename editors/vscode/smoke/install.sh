#!/bin/sh
# Install VS Code as code-server 4.100.3 from npm, and playwright-core, into the directory DIR: for tests/editors/test_vscode.py.
#   sh editors/vscode/smoke/install.sh DIR
# VS Code's own downloader for tests needs more of the network than a registry. 4.100.3 is the last that runs on Node 20. argon2 only
# hashes passwords; it would have to be compiled, and nobody logs in here.
set -eu
mkdir -p "$1"
cd "$1"
root=$(pwd)
[ -f .ready ] && exit 0
quiet="--ignore-scripts --no-audit --no-fund --loglevel=error"
[ -f package.json ] || echo '{"private": true}' >package.json
# Unquoted on purpose: a list of options.
# shellcheck disable=SC2086
npm install $quiet code-server@4.100.3 playwright-core@1.65.1
cd node_modules/code-server/lib/vscode
# shellcheck disable=SC2086
npm install $quiet --omit=dev
npm rebuild --loglevel=error @vscode/spdlog @parcel/watcher native-watchdog
cd "$root/node_modules/argon2"
echo 'exports.hash = async () => ""; exports.verify = async () => false;' >argon2.js
touch "$root/.ready"
