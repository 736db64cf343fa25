package host

import (
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

func TestAMetricOverTimeIsASeriesAGroup(t *testing.T) {
	h, s := startWithEvents(t)
	frames := h.frames(s, week, question{"kind": "metric", "metric": "change_lead_time", "statistic": "p50", "groupBy": []string{"application"}, "bucket": "day"})
	if len(frames) != 2 {
		t.Fatalf("want two series, got %d", len(frames))
	}
	shop := labelled(t, frames, "application", "shop")
	assertSeries(t, shop, "change_lead_time_p50", "s", data.Labels{"application": "shop"})
	// Monday: 4 h and 3 h; Tuesday: 2 h, the rollback delivers nothing.
	assertNumberList(t, "lead time of shop", numbers(shop.Fields[1]), 12600, 7200, null, null, null, null, null)
	for day, start := range times(shop.Fields[0]) {
		if want := at("2025-03-03T00:00:00Z").AddDate(0, 0, day).UnixMilli(); start != want {
			t.Errorf("day %d starts at %d, want %d", day, start, want)
		}
	}
	rests := customOf(t, shop)
	for day, want := range []uint64{2, 1, 0, 0, 0, 0, 0} {
		if rests.N[day] != want {
			t.Errorf("n of day %d is %d, want %d", day, rests.N[day], want)
		}
	}
	cart := labelled(t, frames, "application", "payments/cart")
	assertNumberList(t, "lead time of cart", numbers(cart.Fields[1]), 36000, null, null, null, null, null, null)
}

func TestWeeksStartWhenTheSettingsSay(t *testing.T) {
	h, s := startWithEvents(t)
	s.settings.(map[string]any)["weekStart"] = "sunday"
	frames := h.frames(s, week, question{"kind": "metric", "metric": "deployments", "bucket": "week"})
	// The range starts on a Monday; the week of a calendar that starts on Sunday began the day before.
	if got, want := times(frames[0].Fields[0])[0], at("2025-03-02T00:00:00Z").UnixMilli(); got != want {
		t.Errorf("the first week starts at %d, want %d", got, want)
	}
}

func TestWithoutGroupsThereAreNoLabels(t *testing.T) {
	h, s := startWithEvents(t)
	frames := h.frames(s, week, question{"kind": "metric", "metric": "deployment_frequency", "bucket": "week"})
	if len(frames) != 1 {
		t.Fatalf("want one series, got %d", len(frames))
	}
	assertSeries(t, frames[0], "deployment_frequency_value", "suffix:/d", data.Labels{})
	// Three of shop and one of cart in seven days.
	assertNumberList(t, "frequency", numbers(frames[0].Fields[1]), 4.0/7)
}

func TestThePreviousPeriodHasItsLabel(t *testing.T) {
	h, s := startWithEvents(t)
	asked := question{"kind": "metric", "metric": "deployments", "bucket": "day", "compare": "previous_period"}
	frames := h.frames(s, span("2025-03-04T00:00:00Z", "2025-03-05T00:00:00Z"), asked)
	if len(frames) != 2 {
		t.Fatalf("want two series, got %d", len(frames))
	}
	previous := labelled(t, frames, "period", "previous")
	current := labelled(t, frames, "period", "")
	assertSeries(t, previous, "deployments_count", "short", data.Labels{"period": "previous"})
	assertNumberList(t, "Tuesday", numbers(current.Fields[1]), 2)
	assertNumberList(t, "Monday", numbers(previous.Fields[1]), 2)
	if times(previous.Fields[0])[0] != times(current.Fields[0])[0] {
		t.Error("the previous period is not shifted onto the current one")
	}
}

func TestOneNumberAGroupIsARow(t *testing.T) {
	h, s := startWithEvents(t)
	frames := h.frames(s, week, question{"kind": "metric", "metric": "change_fail_rate", "groupBy": []string{"application"}, "bucket": "none"})
	if len(frames) != 1 {
		t.Fatalf("want one frame, got %d", len(frames))
	}
	assertNumbers(t, frames[0], "application")
	rate := field(t, frames[0], "change_fail_rate_value")
	assertUnit(t, rate, "percentunit")
	if frames[0].Fields[1] != rate {
		t.Error("the number is not the first one")
	}
	// One of three deployments of shop was rolled back.
	assertNumberList(t, "shop", numbers(rate)[row(t, frames[0], "shop"):][:1], 1.0/3)
	assertNumberList(t, "cart", numbers(rate)[row(t, frames[0], "payments/cart"):][:1], 0)
	if len(rate.Config.Links) == 0 || !strings.HasPrefix(rate.Config.Links[0].URL, "/d/pelorus-explain?") || !strings.Contains(rate.Config.Links[0].URL, "var-datasource=pelorus") {
		t.Errorf("no link to the events: %+v", rate.Config.Links)
	}
}

func TestTheScorecardHasAllKeysWithBandAndTrend(t *testing.T) {
	h, s := startWithEvents(t)
	frame := h.frames(s, week, question{"kind": "scorecard", "groupBy": []string{"application"}})[0]
	assertNumbers(t, frame, "application")
	shop := row(t, frame, "shop")
	expected := map[string]struct {
		value float64
		unit  string
	}{
		"change_lead_time":                {10800, "s"},
		"deployment_frequency":            {3.0 / 7, "suffix:/d"},
		"change_fail_rate":                {1.0 / 3, "percentunit"},
		"failed_deployment_recovery_time": {3600, "s"},
		"deployment_rework_rate":          {1.0 / 3, "percentunit"},
	}
	for name, want := range expected {
		value := field(t, frame, name)
		assertUnit(t, value, want.unit)
		assertNumberList(t, name, numbers(value)[shop:][:1], want.value)
		field(t, frame, name+"_previous")
		field(t, frame, name+"_n")
		band := field(t, frame, name+"_band")
		if level := numbers(band)[shop]; !math.IsNaN(level) && (level < 0 || level > 6) {
			t.Errorf("%s has band %v", name, level)
		}
		if band.Config == nil || len(band.Config.Mappings) != 1 {
			t.Errorf("the bands of %s have no names", name)
		}
	}
	assertNumberList(t, "n of lead time", numbers(field(t, frame, "change_lead_time_n"))[shop:][:1], 3)
	// Three hours are elite: less than a day (2024).
	assertNumberList(t, "band of lead time", numbers(field(t, frame, "change_lead_time_band"))[shop:][:1], 6)
}

func TestTheBreakdownHasANumberAPart(t *testing.T) {
	h, s := startWithEvents(t)
	frame := h.frames(s, week, question{"kind": "breakdown", "groupBy": []string{"application"}})[0]
	assertNumbers(t, frame, "application")
	shop := row(t, frame, "shop")
	parts := 0
	for _, field := range frame.Fields[1:] {
		assertUnit(t, field, "s")
		if strings.HasPrefix(field.Name, "lead_time_") {
			parts++
		}
		want := null
		if strings.HasPrefix(field.Name, "lead_time_deploy") {
			// Without pull requests and builds all time is the deployment's: (4 h + 3 h + 2 h) ÷ 3.
			want = 10800
		}
		assertNumberList(t, field.Name, numbers(field)[shop:][:1], want)
	}
	if parts != 6 {
		t.Errorf("want six parts, got %d", parts)
	}
}

func TestTheDistributionCountsEveryValueOnce(t *testing.T) {
	h, s := startWithEvents(t)
	frame := h.frames(s, week, question{"kind": "distribution", "metric": "change_lead_time"})[0]
	assertTyped(t, frame, data.FrameTypeTable)
	customOf(t, frame)
	total := 0.0
	for _, count := range numbers(field(t, frame, "count")) {
		total += count
	}
	// a1, a2, a3 and b1.
	if total != 4 {
		t.Errorf("want 4 values, got %v", total)
	}
}

func TestTheEventsBehindTheNumbersAreListed(t *testing.T) {
	h, s := startWithEvents(t)
	only := []any{map[string]any{"key": "application", "operator": "=", "value": "shop"}}
	for table, rows := range map[string]int{"changes": 3, "deployments": 3, "incidents": 1, "pull_requests": 0} {
		frames := h.frames(s, week, question{"kind": "events", "table": table, "filters": only})
		assertTyped(t, frames[0], data.FrameTypeTable)
		if got := frames[0].Rows(); len(frames[0].Fields) > 0 && got != rows || len(frames[0].Fields) == 0 && rows > 0 {
			t.Errorf("%s: want %d rows, got %d", table, rows, got)
		}
		if table == "deployments" {
			url := field(t, frames[0], "url")
			if url.Config == nil || len(url.Config.Links) != 1 {
				t.Error("the pages of deployments are no links")
			}
			pages := texts(url)
			sort.Strings(pages)
			if strings.Join(pages, " ") != "https://ci.example/d1 https://ci.example/d2 https://ci.example/d3" {
				t.Errorf("pages %v", pages)
			}
		}
	}
}

func TestAnnotationsHaveTheColumnsThatGrafanaReads(t *testing.T) {
	h, s := startWithEvents(t)
	frame := h.frames(s, week, question{"kind": "annotations"})[0]
	assertTyped(t, frame, data.FrameTypeTable)
	var names []string
	for _, field := range frame.Fields {
		names = append(names, field.Name)
	}
	if strings.Join(names, ",") != "time,timeEnd,title,text,tags,id" {
		t.Errorf("columns %v", names)
	}
	// d1, d2, d3, e1 and the incident.
	if frame.Rows() != 5 {
		t.Errorf("want 5 marks, got %d", frame.Rows())
	}
}

func TestValuesFillVariables(t *testing.T) {
	h, s := startWithEvents(t)
	frame := h.frames(s, week, question{"kind": "values", "key": "application"})[0]
	assertTyped(t, frame, data.FrameTypeTable)
	values := texts(field(t, frame, "value"))
	sort.Strings(values)
	if strings.Join(values, " ") != "payments/cart shop" {
		t.Errorf("applications %v", values)
	}
	field(t, frame, "text")
	status, answer := h.call(s, "POST", "values", `{"key":"team","from":"2025-03-03T00:00:00Z","to":"2025-03-10T00:00:00Z"}`)
	listed, _ := answer["values"].([]any)
	if status != 200 || len(listed) != 1 || listed[0].(map[string]any)["value"] != "payments" {
		t.Errorf("%d: %v", status, answer)
	}
}

func TestQualitySaysWhatIsKnown(t *testing.T) {
	h, s := startWithEvents(t)
	frame := h.frames(s, week, question{"kind": "quality"})[0]
	assertTyped(t, frame, data.FrameTypeTable)
	if frame.Rows() == 0 {
		t.Error("nothing is said about the source")
	}
}

func TestNoDataIsATypedFrame(t *testing.T) {
	h, s := startWithEvents(t)
	nobody := []any{map[string]any{"key": "application", "operator": "=", "value": "nobody"}}
	for bucket, kind := range map[string]data.FrameType{"day": data.FrameTypeTimeSeriesMulti, "none": data.FrameTypeNumericLong} {
		frames := h.frames(s, week, question{"kind": "metric", "metric": "change_lead_time", "groupBy": []string{"application"}, "bucket": bucket, "filters": nobody})
		if len(frames) != 1 {
			t.Fatalf("%s: want one frame, got %d", bucket, len(frames))
		}
		assertTyped(t, frames[0], kind)
		if len(frames[0].Fields) != 0 {
			t.Errorf("%s: fields %v", bucket, frames[0].Fields)
		}
	}
}

func TestABadQuerySpoilsNoOther(t *testing.T) {
	h, s := startWithEvents(t)
	responses := h.askRaw(s, week, map[string][]byte{
		"good":    []byte(`{"refId":"good","pelorus":{"version":1,"kind":"metric","metric":"deployments","bucket":"none"}}`),
		"no JSON": []byte(`{`),
		"list":    []byte(`[]`),
		"metric":  []byte(`{"pelorus":{"kind":"metric","metric":"velocity"}}`),
		"regex":   []byte(`{"pelorus":{"kind":"metric","metric":"deployments","filters":[{"key":"team","operator":"=~","value":"("}]}}`),
	}, nil)
	for refID, response := range responses {
		if refID == "good" {
			if response.Error != nil || response.Status != 200 {
				t.Errorf("good: %d %v", response.Status, response.Error)
			}
			continue
		}
		if response.Error == nil || response.Status != 400 || response.ErrorSource != "downstream" {
			t.Errorf("%s: status %d, source %s, %v", refID, response.Status, response.ErrorSource, response.Error)
		}
	}
}

func TestAbsurdRangesAreRefused(t *testing.T) {
	h, s := startWithEvents(t)
	good := []byte(`{"pelorus":{"kind":"metric","metric":"deployments","bucket":"hour"}}`)
	for _, during := range [][2]int64{{math.MinInt64, math.MaxInt64}, {0, math.MaxInt64}, {1, 0}} {
		absurd := &pluginv2.TimeRange{FromEpochMS: during[0], ToEpochMS: during[1]}
		if response := h.askRaw(s, absurd, map[string][]byte{"A": good}, nil)["A"]; response.Status != 400 {
			t.Errorf("%v: %d %v", during, response.Status, response.Error)
		}
	}
	if response := h.askRaw(s, nil, map[string][]byte{"A": good}, nil)["A"]; response.Status != 400 {
		t.Errorf("no range: %d %v", response.Status, response.Error)
	}
	for _, log := range h.logs() {
		if log["@level"] == "error" {
			t.Errorf("a panic: %v", log)
		}
	}
}

func TestAnAlertRuleIsToldOfMissingData(t *testing.T) {
	folder := t.TempDir()
	h := start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder)
	s := eventsSource(folder + "/not-there.jsonl")
	query := map[string][]byte{"A": []byte(`{"pelorus":{"kind":"metric","metric":"deployments","bucket":"none"}}`)}
	for _, header := range []string{"FromAlert", "http_FromAlert"} {
		response := h.askRaw(s, week, query, map[string]string{header: "true"})["A"]
		if response.Error == nil || response.ErrorSource != "downstream" || response.Status < 502 || response.Status > 504 {
			t.Errorf("%s: status %d, source %s, %v", header, response.Status, response.ErrorSource, response.Error)
		} else if !strings.Contains(response.Error.Error(), "events") {
			t.Errorf("the error does not name the source: %v", response.Error)
		}
	}
	person := h.askRaw(s, week, query, nil)["A"]
	if person.Error != nil {
		t.Fatalf("a person got no answer: %v", person.Error)
	}
	if len(person.Frames[0].Meta.Notices) == 0 {
		t.Error("a person is not told what is missing")
	}
}
