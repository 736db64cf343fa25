#!/usr/bin/env bash
# Looks at dist/ as Grafana will: what is there, what it is, and that nothing of the build machine is in it.
# Prints a line a check, then `N passed, N failed`. Needs `make build`.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0
check() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "not ok  $name"
    fi
}
has() { grep -q -- "$1" "$2"; }
lacks() { ! grep -q -- "$1" "$2"; }
begins_with() { [ "$(head -c "${#1}" "$2")" = "$1" ]; }
is_static() { ldd "$1" 2>&1 | grep -qE 'statically linked|not a dynamic executable'; }
runs_by_hand() { "$1" --version && [ -n "$("$1" --help)" ]; }
needs_grafana() { ! env -i "$1" serve; }
greets() { env -i grafana_plugin_type=datasource timeout 2 "$1" | head -n 1 | grep -qE '^1\|2\|tcp\|127\.0\.0\.1:[0-9]+\|grpc$'; }
valid_json() { python3 -m json.tool "$1"; }
only_plugin_json() { [ "$(find dist -name plugin.json | wc -l)" = 1 ]; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# A binary for another processor may stand beside this machine's: tests/arm64.sh looks at that one.
case "$(uname -m)" in
aarch64 | arm64) binary=$(find dist -name 'gpx_pelorus_*_arm64' | head -n 1) ;;
*) binary=$(find dist -name 'gpx_pelorus_*_amd64' | head -n 1) ;;
esac
for file in plugin.json module.js README.md CHANGELOG.md LICENSE img/logo.svg dashboards/delivery-overview.json dashboards/explain.json; do
    check "$file is there" test -s "dist/$file"
done
check "one plugin.json, or Grafana would see a nested plugin" only_plugin_json
check "plugin.json is JSON" valid_json dist/plugin.json
check "plugin.json says the version" has "\"version\": \"$version\"" dist/plugin.json
check "plugin.json has no placeholder left" lacks '%[A-Z]*%' dist/plugin.json
check "module.js is an AMD module" begins_with 'define(' dist/module.js
check "module.js brings no React of its own" lacks 'react.element\|ReactCurrentOwner\|react-jsx-runtime' dist/module.js
check "the binary may be executed by all" test -x "$binary"
[ "$(uname)" = Linux ] && check "the binary needs no library of the host" is_static "$binary"
check "the binary runs by hand" runs_by_hand "$binary"
check "the binary does not serve without Grafana" needs_grafana "$binary"
check "the binary shakes hands as Grafana wants" greets "$binary"
check "the binary holds no path of this machine" lacks "$PWD" "$binary"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
