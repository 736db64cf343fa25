#!/usr/bin/env bash
# Builds the plugin for arm64 and runs it, on an x86_64 machine under qemu: what it is, that it shakes hands, and that
# its answers are those of the x86_64 binary, byte for byte.
# usage: tests/arm64.sh release|debug     (debug builds faster and asks the same)
# Prints a line a check, then `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
mode=${1:-}
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "tests/arm64.sh compares arm64 with x86_64, so it needs an x86_64 Linux machine" >&2
    exit 1
fi
tests/setup.sh arm64 || exit 1
case "$mode" in
release)
    make binary GOARCH=arm64 || exit 1
    arm=dist/gpx_pelorus_linux_arm64
    ;;
debug)
    make debug-binary GOARCH=arm64 || exit 1
    arm=target/aarch64-unknown-linux-gnu/debug/pelorus
    ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
x86=dist/gpx_pelorus_linux_amd64
[ -x "$x86" ] || make binary || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "not ok  $name"
    fi
}
emulated() { qemu-aarch64-static "$arm" "$@"; }
of_arm64() { aarch64-linux-gnu-readelf -h "$arm" | grep -q 'Machine: *AArch64'; }
# A program without an interpreter and without needed libraries takes nothing from the host.
is_static() { [ -z "$(aarch64-linux-gnu-readelf -l -d -W "$arm" | grep -E 'INTERP|NEEDED')" ]; }
same_version() { [ "$(emulated --version)" = "$("$x86" --version)" ] && [ -n "$(emulated --version)" ]; }
greets() {
    env -i grafana_plugin_type=datasource timeout 20 "$(command -v qemu-aarch64-static)" "$arm" 2>/dev/null |
        head -n 1 | grep -qE '^1\|2\|tcp\|127\.0\.0\.1:[0-9]+\|grpc$'
}
same_demo() {
    emulated demo --now 2026-11-01T00:00:00Z --out "$work/arm" >/dev/null &&
        "$x86" demo --now 2026-11-01T00:00:00Z --out "$work/x86" >/dev/null &&
        [ -s "$work/x86/events.jsonl" ] && cmp "$work/arm/events.jsonl" "$work/x86/events.jsonl"
}
# Each reads the demo into a ledger of its own, and answers from it.
same_answer() {
    local format=$1 question=$2 status
    set -- --quiet --format "$format" --now 2026-11-01T00:00:00Z --from 2025-11-01T00:00:00Z --to 2026-11-01T00:00:00Z
    emulated query "$@" --config "$work/arm/pelorus.yaml" "$question" >"$work/arm.answer"
    status=$?
    "$x86" query "$@" --config "$work/x86/pelorus.yaml" "$question" >"$work/x86.answer"
    [ "$status" = "$?" ] && [ -s "$work/x86.answer" ] && cmp "$work/arm.answer" "$work/x86.answer"
}
check "the binary is of arm64" of_arm64
check "the binary needs no library of the host" is_static
check "the binary says the version that x86_64 says" same_version
check "the binary shakes hands as Grafana wants" greets
check "the demo has the same events" same_demo
check "the scorecard is the same" same_answer json '{"kind":"scorecard","groupBy":["application"]}'
check "lead times a day are the same" same_answer json \
    '{"kind":"metric","metric":"change_lead_time","statistic":"p95","bucket":"day","groupBy":["team"],"timezone":"Europe/Berlin"}'
check "the rows behind the numbers are the same" same_answer csv '{"kind":"events","table":"deployments","limit":2000}'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
