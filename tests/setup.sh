#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, and says so. Rust, Node 20 and Go are taken as given.
# usage: tests/setup.sh [quick|arm64]     quick: without the browser and Prometheus; arm64: also what it takes to build for arm64 and to run that
set -eu
missing=()
# needs PROGRAM PACKAGE…: notes the packages of a program that is not there.
needs() {
    command -v "$1" >/dev/null && return
    shift
    missing+=("$@")
}
needs git git
needs python3 python3
needs gcc gcc libc6-dev
needs jq jq
case "${1:-}" in
quick | arm64) ;;
*)
    needs chromium chromium
    needs promtool prometheus
    needs prometheus prometheus
    ;;
esac
if [ "${1:-}" = arm64 ]; then
    needs aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    needs qemu-aarch64-static qemu-user-static
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "Installing: ${missing[*]}"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
for program in cargo node npm go; do
    command -v "$program" >/dev/null || {
        echo "$program is missing: install Rust (rustup), Node 20 and Go, then run this again" >&2
        exit 1
    }
done
if [ "${1:-}" = arm64 ]; then
    # The compiler itself knows where the standard library of a target would be.
    library=$(rustc --print target-libdir --target aarch64-unknown-linux-gnu)
    if ! compgen -G "$library/libstd-*.rlib" >/dev/null; then
        echo "Installing: Rust's standard library for aarch64-unknown-linux-gnu"
        rustup target add aarch64-unknown-linux-gnu || {
            echo "Rust's standard library for aarch64-unknown-linux-gnu is missing and rustup cannot add it: nothing can be built for arm64" >&2
            exit 1
        }
    fi
fi
