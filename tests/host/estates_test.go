package host

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

var metrics = []string{
	"change_lead_time", "deployment_frequency", "change_fail_rate", "failed_deployment_recovery_time", "deployment_rework_rate",
	"time_to_restore", "deployments", "failed_rollouts", "commits", "undeployed_commits", "batch_size", "lead_time_coding",
	"lead_time_deploy", "pull_request_age", "incidents", "open_incidents", "revert_rate", "defects_opened", "defect_age",
	"rework_share", "availability",
}

// The demo's year answers every metric and every kind, and every frame is as the contract says.
func TestTheDemoAnswersEverything(t *testing.T) {
	h, s := startWithDemo(t)
	year := span("2025-07-01T00:00:00Z", "2026-06-30T00:00:00Z")
	groups := []string{"application"}
	questions := map[string]question{}
	for _, metric := range metrics {
		questions[metric] = question{"kind": "metric", "metric": metric, "groupBy": groups, "bucket": "month"}
		questions[metric+" alone"] = question{"kind": "metric", "metric": metric, "groupBy": groups, "bucket": "none"}
	}
	for _, kind := range []string{"breakdown", "scorecard"} {
		questions[kind] = question{"kind": kind, "groupBy": groups}
	}
	for _, kind := range []string{"distribution", "annotations", "values", "quality"} {
		questions[kind] = question{"kind": kind}
	}
	for _, table := range []string{"changes", "deployments", "incidents", "pull_requests"} {
		questions["events "+table] = question{"kind": "events", "table": table}
	}
	for refID, response := range h.ask(s, year, questions) {
		if response.Error != nil {
			t.Errorf("%s: %v", refID, response.Error)
			continue
		}
		for _, frame := range response.Frames {
			asked := questions[refID]
			switch {
			case asked["bucket"] == "month":
				statistic := frame.Fields[1].Name
				assertSeries(t, frame, statistic, frame.Fields[1].Config.Unit, frame.Fields[1].Labels)
				if len(frame.Fields[1].Labels) != 1 || !strings.HasPrefix(statistic, asked["metric"].(string)+"_") {
					t.Errorf("%s: %s%v", refID, statistic, frame.Fields[1].Labels)
				}
			case asked["groupBy"] != nil:
				assertNumbers(t, frame, "application")
			default:
				assertTyped(t, frame, data.FrameTypeTable)
			}
		}
	}
	scorecard := h.frames(s, year, question{"kind": "scorecard", "groupBy": groups})[0]
	if scorecard.Rows() != 8 {
		t.Errorf("the demo has eight applications, the scorecard %d", scorecard.Rows())
	}
}

// A plugin over the demo's year, which ends on 30 June 2026.
func startWithDemo(t *testing.T) (*host, source) {
	t.Helper()
	folder := t.TempDir()
	demo := exec.Command(binary(t), "demo", "--out", folder, "--now", "2026-06-30T00:00:00Z")
	if output, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("demo: %v\n%s", err, output)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the demo wrote no events: %v", err)
	}
	return start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder), source{role: "Admin", settings: map[string]any{
		"sources": []any{map[string]any{"name": "demo", "kind": "events", "path": files}},
	}}
}

// A tag of a real history.
type tag struct {
	name string
	at   int64
}

// The releases that the settings of historySource take for deployments.
var release = regexp.MustCompile(`^v[23]\.\d+\.\d+$`)

func git(t *testing.T, arguments ...string) []string {
	t.Helper()
	output, err := exec.Command("git", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", arguments, err, output)
	}
	return strings.Split(strings.TrimSpace(string(output)), "\n")
}

// Clones the history of Prometheus: the clone and its releases in order of time.
func cloneHistory(t *testing.T, folder string) (string, []tag) {
	t.Helper()
	repository := filepath.Join(folder, "prometheus.git")
	git(t, "clone", "--quiet", "--bare", filepath.Join("..", "data", "prometheus-history.bundle"), repository)
	var tags []tag
	for _, line := range git(t, "-C", repository, "for-each-ref", "--sort=creatordate", "--format=%(refname:short) %(creatordate:unix)", "refs/tags") {
		name, stamp, _ := strings.Cut(line, " ")
		if at, err := strconv.ParseInt(stamp, 10, 64); err == nil && release.MatchString(name) {
			tags = append(tags, tag{name, at})
		}
	}
	if len(tags) < 100 {
		t.Fatalf("only %d tags", len(tags))
	}
	return repository, tags
}

func historySource(repository string) source {
	const name = "github.com/prometheus/prometheus"
	return source{role: "Admin", settings: map[string]any{
		"sources":      []any{map[string]any{"name": "code", "kind": "git", "path": repository, "repository": name}},
		"applications": []any{map[string]any{"name": "prometheus", "repositories": []string{name}}},
		"deployments":  []any{map[string]any{"from": "tag", "repositories": []string{name}, "match": release.String(), "environment": "production"}},
		"deadline":     "120s",
	}}
}

// The range of all these releases.
func allOf(tags []tag) *pluginv2.TimeRange {
	return &pluginv2.TimeRange{FromEpochMS: tags[0].at * 1000, ToEpochMS: (tags[len(tags)-1].at + 1) * 1000}
}

// What git itself counts is what the frames say.
func TestARealHistoryCountsWhatGitCounts(t *testing.T) {
	folder := t.TempDir()
	repository, tags := cloneHistory(t, folder)
	later := []string{"-C", repository, "rev-list", "--no-merges", "--count"}
	for _, tag := range tags[1:] {
		later = append(later, tag.name)
	}
	commits, err := strconv.ParseFloat(git(t, append(later, "^"+tags[0].name)...)[0], 64)
	if err != nil {
		t.Fatal(err)
	}

	h := start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder)
	s, whole := historySource(repository), allOf(tags)
	one := func(metric string) float64 {
		t.Helper()
		frame := h.frames(s, whole, question{"kind": "metric", "metric": metric, "bucket": "none"})[0]
		assertNumbers(t, frame)
		return numbers(frame.Fields[0])[0]
	}
	began := time.Now()
	if got := one("deployments"); got != float64(len(tags)) {
		t.Errorf("git has %d tags, the frame %v deployments", len(tags), got)
	}
	t.Logf("first answer after %v", time.Since(began))
	if got := one("commits"); got != commits {
		t.Errorf("git counts %v commits, the frame %v", commits, got)
	}
	if got := one("change_lead_time"); !(got > 0) {
		t.Errorf("lead time %v", got)
	}
	series := h.frames(s, whole, question{"kind": "metric", "metric": "deployments", "bucket": "quarter", "groupBy": []string{"application"}})
	assertSeries(t, series[0], "deployments_count", "short", data.Labels{"application": "prometheus"})
	total := 0.0
	for _, count := range numbers(series[0].Fields[1]) {
		total += count
	}
	if total != float64(len(tags)) {
		t.Errorf("the quarters add up to %v of %d", total, len(tags))
	}
}

func TestAStopInTheMiddleOfAReadingLosesNothing(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	repository, tags := cloneHistory(t, folder)
	s := historySource(repository)
	environment := []string{"GF_PLUGIN_ALLOWED_PATHS=" + folder, "GF_PATHS_DATA=" + data}
	h := start(t, environment...)
	if status, answer := h.call(s, "POST", "sync", ""); status != 202 {
		t.Fatalf("%v", answer)
	}
	reading := func() bool {
		_, answer := h.call(s, "GET", "sources", "")
		return answer["sources"].([]any)[0].(map[string]any)["syncing"] == true
	}
	for deadline := time.Now().Add(10 * time.Second); !reading(); {
		if time.Now().After(deadline) {
			t.Fatal("the reading did not begin")
		}
	}
	took, code := h.stop()
	t.Logf("stopped after %v", took)
	if took > time.Second || code != 0 {
		t.Errorf("it took %v to stop, with exit code %d", took, code)
	}
	h.logs()

	h = start(t, environment...)
	frame := h.frames(s, allOf(tags), question{"kind": "metric", "metric": "deployments", "bucket": "none"})[0]
	assertNumberList(t, "deployments", numbers(frame.Fields[0]), float64(len(tags)))
	if strings.Contains(h.stderr.String(), "reading only") {
		t.Errorf("the ledger was not free:\n%s", h.stderr)
	}
}
