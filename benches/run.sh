#!/usr/bin/env bash
# Makes an estate, measures the plugin over its gRPC, and the engine beside polars and DuckDB in the same run.
# usage: run.sh S|M|L [shuffled] | history     Needs python3; keeps what it makes in target/bench for the next run.
# history: the bundle, and a repository of 800,000 commits, read cold by the `git` source.
set -eu
cd "$(dirname "$0")/.."
size=${1:-}
case "$size" in
S | M | L | history) ;;
*)
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
if [ ! -x benches/.venv/bin/python ]; then
    echo "Installing polars and DuckDB for the comparison…"
    python3 -m venv benches/.venv
    benches/.venv/bin/pip install --quiet polars==1.* duckdb==1.* pyarrow
fi
target=$(rustc -vV | sed -n 's/^host: //p')
PELORUS_BINARY=$PWD/target/$target/release/pelorus PYTHON=$PWD/benches/.venv/bin/python \
    RUSTFLAGS="-C target-feature=+crt-static" cargo bench --locked --target "$target" --bench estate -- "$size" "${2:-time}"
