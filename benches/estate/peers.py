#!/usr/bin/env python3
"""What polars and DuckDB say, and how long they take, on the tables that the bench wrote.

usage: peers.py FOLDER START END RUNS  -> JSON on stdout: {peer: {question: {"ms": p50, "answer": [[…]]}}}

Both have lead times and failures precomputed and answer in process; times are p50 of RUNS, after three to warm up.
"""
import json
import sys
import time
from pathlib import Path

import duckdb
import polars as pl

folder, start, end, runs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
frames = {name: pl.read_csv(folder / f"{name}.csv") for name in ("deployments", "changes", "incidents")}
deployments, changes, incidents = frames["deployments"], frames["changes"], frames["incidents"]
in_range = (pl.col("finished_at") >= start) & (pl.col("finished_at") < end)
resolved = (pl.col("resolved_at") >= start) & (pl.col("resolved_at") < end)
day = (pl.col("finished_at") - start) // 86400
median = pl.col("lead_seconds").quantile(0.5, "linear")


def scorecard():
    one = changes.lazy().filter(in_range).group_by("app").agg(median.alias("lead"))
    two = deployments.lazy().filter(in_range).group_by("app").agg(pl.len().alias("n"), pl.col("failed").sum())
    three = (
        incidents.lazy().filter(resolved).group_by("app")
        .agg((pl.col("resolved_at") - pl.col("opened_at")).quantile(0.5, "linear").alias("restore"))
    )
    joined = two.join(one, on="app", how="left").join(three, on="app", how="left").sort("app").collect()
    return joined.select("app", "lead", "n", pl.col("failed") / pl.col("n"), "restore")


POLARS = {
    "deployments_per_day": lambda: deployments.lazy().filter(in_range).group_by(day.alias("d")).agg(pl.len()).sort("d").collect(),
    "median_lead_time": lambda: changes.lazy().filter(in_range).select(median).collect(),
    "median_lead_time_per_application": lambda: changes.lazy().filter(in_range).group_by("app").agg(median).sort("app").collect(),
    "median_lead_time_per_day": lambda: changes.lazy().filter(in_range).group_by(day.alias("d")).agg(median).sort("d").collect(),
    "change_fail_rate": lambda: deployments.lazy().filter(in_range).select(pl.col("failed").sum() / pl.len()).collect(),
    "median_time_to_restore": lambda: incidents.lazy().filter(resolved).select((pl.col("resolved_at") - pl.col("opened_at")).quantile(0.5, "linear")).collect(),
    "table_by_application": scorecard,
}
span = f"finished_at >= {start} AND finished_at < {end}"
restored = f"resolved_at >= {start} AND resolved_at < {end}"
DUCKDB = {
    "deployments_per_day": f"SELECT (finished_at - {start}) // 86400 AS d, count(*) FROM deployments WHERE {span} GROUP BY d ORDER BY d",
    "median_lead_time": f"SELECT quantile_cont(lead_seconds, 0.5) FROM changes WHERE {span}",
    "median_lead_time_per_application": f"SELECT app, quantile_cont(lead_seconds, 0.5) FROM changes WHERE {span} GROUP BY app ORDER BY app",
    "median_lead_time_per_day": f"SELECT (finished_at - {start}) // 86400 AS d, quantile_cont(lead_seconds, 0.5) FROM changes WHERE {span} GROUP BY d ORDER BY d",
    "change_fail_rate": f"SELECT sum(failed) / count(*) FROM deployments WHERE {span}",
    "median_time_to_restore": f"SELECT quantile_cont(resolved_at - opened_at, 0.5) FROM incidents WHERE {restored}",
    "table_by_application": f"""
        WITH one AS (SELECT app, quantile_cont(lead_seconds, 0.5) AS lead FROM changes WHERE {span} GROUP BY app),
             two AS (SELECT app, count(*) AS n, sum(failed) / count(*) AS rate FROM deployments WHERE {span} GROUP BY app),
             three AS (SELECT app, quantile_cont(resolved_at - opened_at, 0.5) AS restore FROM incidents WHERE {restored} GROUP BY app)
        SELECT two.app, lead, n, rate, restore FROM two LEFT JOIN one USING (app) LEFT JOIN three USING (app) ORDER BY two.app""",
}
connection = duckdb.connect()
for name, frame in frames.items():
    connection.register("given", frame.to_arrow())
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")


def timed(ask):
    for _ in range(3):
        answer = ask()
    times = []
    for _ in range(runs):
        before = time.perf_counter()
        answer = ask()
        times.append(1000 * (time.perf_counter() - before))
    return {"ms": sorted(times)[len(times) // 2], "answer": [list(row) for row in answer]}


report = {
    "polars": {name: timed(lambda ask=ask: ask().rows()) for name, ask in POLARS.items()},
    "duckdb": {name: timed(lambda sql=sql: connection.execute(sql).fetchall()) for name, sql in DUCKDB.items()},
    "versions": {"polars": pl.__version__, "duckdb": duckdb.__version__},
}
json.dump(report, sys.stdout)
