#!/usr/bin/env python3
"""Change sets and lead times of a bare repository's release tags, by git alone.

usage: independent.py REPOSITORY YEAR [YEAR ...]   -> JSON on stdout

This is the second opinion on what `pelorus` says of the bundled history, so it shares no code and no algorithm
with it: `git for-each-ref` gives the tags and their times, `git rev-list A --not B C D ...` gives each change set.
A tag's time is its tagger's, or its commit's committer time for a light tag.
"""
import json
import re
import subprocess
import sys
from datetime import datetime, timezone

RELEASE = re.compile(r"^v[23]\.\d+\.\d+$")


def git(*arguments, stdin=None):
    done = subprocess.run(["git", "-C", sys.argv[1], *arguments], input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def quantile(values, rank):
    """Type 7 (linear) quantile."""
    values = sorted(values)
    place = (len(values) - 1) * rank
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def releases():
    rows = []
    form = "%(refname:strip=2)%09%(objecttype)%09%(taggerdate:unix)%09%(committerdate:unix)%09%(objectname)%09%(*objectname)"
    for line in git("for-each-ref", "--format", form, "refs/tags").splitlines():
        name, kind, tagged, committed, own, peeled = line.split("\t")
        if RELEASE.match(name):
            rows.append((int(tagged if kind == "tag" else committed), name, peeled if kind == "tag" else own))
    return sorted(rows)


def main():
    years = [int(year) for year in sys.argv[2:]]
    wanted = {
        year: (datetime(year, 1, 1, tzinfo=timezone.utc).timestamp(), datetime(year + 1, 1, 1, tzinfo=timezone.utc).timestamp())
        for year in years
    }
    report = {year: {"deployments": 0, "commits": 0, "merges": 0, "change_sets": {}, "lead": []} for year in years}
    before = []
    for at, name, commit in releases():
        year = next((year for year, (start, end) in wanted.items() if start <= at < end), None)
        if year is not None:
            report[year]["deployments"] += 1
        if year is not None and before:
            listed = git("rev-list", "--no-commit-header", "--format=%H %ct %P", "--stdin", stdin="\n".join([commit, *("^" + old for old in before)]) + "\n")
            size = 0
            for line in listed.splitlines():
                fields = line.split()
                if len(fields) > 3:
                    report[year]["merges"] += 1
                    continue
                size += 1
                lead = at - int(fields[1])
                if lead >= 0:
                    report[year]["lead"].append(lead)
            report[year]["commits"] += size
            report[year]["change_sets"][name] = size
        before.append(commit)
    for facts in report.values():
        lead = facts.pop("lead")
        facts["n"] = len(lead)
        for word, rank in (("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95)):
            facts[word] = quantile(lead, rank) if lead else None
        facts["mean"] = sum(lead) / len(lead) if lead else None
        facts["max"] = max(lead, default=None)
    json.dump(report, sys.stdout, indent=1, sort_keys=True)


main()
