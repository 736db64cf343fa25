#!/usr/bin/env bash
# Makes an estate, measures the plugin over its gRPC, and the engine beside polars and DuckDB in the same run.
# usage: run.sh S|M|L [shuffled] | history | export [EVENTS]     Needs python3; keeps what it makes in target/bench for the next run.
# export: the export loop beside a bare sender, against a real Prometheus; reads everything back.
# history: the bundle, and a repository of 800,000 commits, read cold by the `git` source.
set -eu
cd "$(dirname "$0")/.."
size=${1:-}
case "$size" in
S | M | L | history | export) ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
target=$(rustc -vV | sed -n 's/^host: //p')
export PELORUS_BINARY=$PWD/target/$target/release/pelorus RUSTFLAGS="-C target-feature=+crt-static"
if [ "$size" = export ]; then
    tests/setup.sh
    cargo bench --locked --target "$target" --bench export -- "${2:-200000}"
    exit
fi
if [ ! -x benches/.venv/bin/python ]; then
    echo "Installing polars and DuckDB for the comparison…"
    python3 -m venv benches/.venv
    benches/.venv/bin/pip install --quiet polars==1.* duckdb==1.* pyarrow
fi
PYTHON=$PWD/benches/.venv/bin/python cargo bench --locked --target "$target" --bench estate -- "$size" "${2:-time}"
