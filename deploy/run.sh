#!/usr/bin/env bash
# What `make run` does after the build: a demo (or REPO) in the ledger, its scorecard in the terminal, and Grafana
# with plugin, data source and dashboards where a Grafana is to be had.
# usage: run.sh PLUGIN_BINARY [REPOSITORY]
set -eu
cd "$(dirname "$0")/.."
pelorus=$PWD/$1
repository=${2:-}
work=$PWD/build/run
mkdir -p "$work"

if [ -n "$repository" ]; then
    repository=$(cd "$repository" && pwd)
    "$pelorus" query --repo "$repository" --from now-1y
    printf 'sources:\n  - { name: code, kind: git, path: "%s" }\ndeployments:\n  - { from: tag, match: "^v?\\\\d+(\\\\.\\\\d+)+$", environment: production }\n' \
        "$repository" >"$work/pelorus.yaml"
    sources=$(printf '        - { name: code, kind: git, path: "%s" }' "$repository")
    rules=$(printf '      deployments:\n        - { from: tag, match: "^v?\\\\d+(\\\\.\\\\d+)+$$", environment: production }')
    readable=$repository
else
    [ -f "$work/demo/pelorus.yaml" ] || "$pelorus" demo --out "$work/demo"
    "$pelorus" query --config "$work/demo/pelorus.yaml"
    sources=$(printf '        - { name: demo, kind: events, path: "%s" }' "$work/demo/events.jsonl")
    rules=""
    readable=$work/demo
fi

# Grafana's provisioning, with the sources of this run.
plugins=$work/plugins
provisioning=$work/provisioning
rm -rf "$plugins" "$provisioning"
mkdir -p "$plugins" "$work/grafana" "$provisioning"/{datasources,dashboards,plugins,alerting}
ln -s "$PWD/dist" "$plugins/pelorus-dora-datasource"
cat >"$provisioning/datasources/pelorus.yaml" <<YAML
apiVersion: 1
datasources:
  - name: Pelorus
    uid: pelorus
    type: pelorus-dora-datasource
    access: proxy
    isDefault: true
    jsonData:
      ledger: "$work/grafana/pelorus.db"
      sources:
$sources
$rules
YAML
sed "s|path: .*|path: $PWD/dashboards|" provisioning/dashboards/pelorus.yaml >"$provisioning/dashboards/pelorus.yaml"
cat >"$work/grafana.ini" <<INI
[paths]
data = $work/grafana
plugins = $plugins
provisioning = $provisioning
[plugins]
allow_loading_unsigned_plugins = pelorus-dora-datasource
preinstall_disabled = true
[plugin.pelorus-dora-datasource]
allowed_paths = $work/grafana:$readable
[auth.anonymous]
enabled = true
org_role = Admin
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[dashboards]
default_home_dashboard_path = $PWD/dashboards/delivery-overview.json
INI

home=${GRAFANA_HOME:-}
grafana=$(command -v grafana || true)
[ -n "$home" ] && [ -x "$home/bin/grafana" ] && grafana=$home/bin/grafana
if [ -n "$grafana" ]; then
    [ -n "$home" ] || home=$(dirname "$(dirname "$(readlink -f "$grafana")")")
    [ -d "$home/public" ] || home=/usr/share/grafana
    echo "Grafana opens at http://localhost:3000 (Ctrl+C stops it)."
    exec "$grafana" server --homepath "$home" --config "$work/grafana.ini"
fi
for engine in podman docker; do
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
        echo "Grafana opens at http://localhost:3000 (Ctrl+C stops it)."
        # The same paths inside as outside, so that the provisioning above holds.
        exec "$engine" run --rm -p 127.0.0.1:3000:3000 --user "$(id -u):$(id -g)" -v "$PWD:$PWD" -v "$readable:$readable:ro" \
            -v "$work/grafana.ini:/etc/grafana/grafana.ini:ro" docker.io/grafana/grafana:13.1.3
    fi
done
echo "To see the dashboards, put a Grafana on the PATH (https://grafana.com/grafana/download), name its folder by GRAFANA_HOME, or start podman or docker; then run this again."
