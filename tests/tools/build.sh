#!/usr/bin/env bash
# Builds what the tests run the export loop against and no package has: Prometheus 3, Thanos, a server that speaks S3.
# Each is a Go module here that pins its version; the programs come to build/tools. Several minutes the first time, then seconds.
set -eu
cd "$(dirname "$0")"
to=$(cd ../.. && pwd)/build/tools
mkdir -p "$to"
build() {
    local module=$1
    shift
    echo "Building $module for the tests (minutes the first time)…"
    # Without their tables of symbols they link in half the time.
    (cd "$module" && go build -mod=readonly -buildvcs=false -trimpath -ldflags='-s -w' -o "$to/" "$@")
}
build s3 github.com/johannesboyne/gofakes3/cmd/gofakes3
# Thanos casts labels to a form that Prometheus has with this tag alone.
build thanos -tags=slicelabels github.com/thanos-io/thanos/cmd/thanos
build prometheus github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool
