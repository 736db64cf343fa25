#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, and says so. Rust, Node 20 and Go are taken as given.
# usage: tests/setup.sh [quick]   quick: without the browser
set -eu
missing=()
programs=(git python3 gcc jq)
[ "${1:-}" = quick ] || programs+=(chromium)
for program in "${programs[@]}"; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "Installing: ${missing[*]}"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" libc6-dev >/dev/null
fi
for program in cargo node npm go; do
    command -v "$program" >/dev/null || {
        echo "$program is missing: install Rust (rustup), Node 20 and Go, then run this again" >&2
        exit 1
    }
done
