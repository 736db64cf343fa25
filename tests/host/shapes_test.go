package host

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// The metadata that every frame has.
type custom struct {
	Kind       string     `json:"kind"`
	Definition string     `json:"definition"`
	N          []uint64   `json:"n"`
	Covered    []float64  `json:"covered"`
	Linked     []*float64 `json:"linked"`
	Partial    []bool     `json:"partial"`
}

func customOf(t *testing.T, frame *data.Frame) custom {
	t.Helper()
	text, err := json.Marshal(frame.Meta.Custom)
	if err != nil {
		t.Fatal(err)
	}
	var decoded custom
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if decoded.Kind == "" || decoded.Definition == "" {
		t.Errorf("the frame does not say what it is: %s", text)
	}
	return decoded
}

// Asserts what the data plane contract says of every frame.
func assertTyped(t *testing.T, frame *data.Frame, kind data.FrameType) {
	t.Helper()
	if frame.Meta == nil || frame.Meta.Type != kind || frame.Meta.TypeVersion != (data.FrameTypeVersion{0, 1}) {
		t.Fatalf("want a %s of version 0.1, got %+v", kind, frame.Meta)
	}
	if frame.Meta.ExecutedQueryString == "" {
		t.Error("executedQueryString is empty")
	}
	for _, field := range frame.Fields {
		if !field.Nullable() {
			t.Errorf("field %s is not nullable", field.Name)
		}
	}
	if _, err := frame.RowLen(); err != nil {
		t.Error(err)
	}
}

// Asserts a time series: ascending times, one number, the labels and the unit.
func assertSeries(t *testing.T, frame *data.Frame, name, unit string, labels data.Labels) {
	t.Helper()
	assertTyped(t, frame, data.FrameTypeTimeSeriesMulti)
	if len(frame.Fields) != 2 || frame.Fields[0].Name != "time" || frame.Fields[0].Type() != data.FieldTypeNullableTime {
		t.Fatalf("want time and one number, got %v", frame.Fields)
	}
	value := frame.Fields[1]
	if value.Name != name || value.Type() != data.FieldTypeNullableFloat64 {
		t.Errorf("want number %s, got %s %s", name, value.Type(), value.Name)
	}
	if value.Labels.String() != labels.String() {
		t.Errorf("want labels %v, got %v", labels, value.Labels)
	}
	assertUnit(t, value, unit)
	times := times(frame.Fields[0])
	for row := 1; row < len(times); row++ {
		if times[row] <= times[row-1] {
			t.Errorf("times do not ascend: %v", times)
		}
	}
	rests := customOf(t, frame)
	if len(rests.N) != len(times) || len(rests.Covered) != len(times) || len(rests.Linked) != len(times) || len(rests.Partial) != len(times) {
		t.Errorf("custom does not say what each of %d points rests on: %+v", len(times), rests)
	}
}

// Asserts rows of numbers: the keys as strings first, then numbers only.
func assertNumbers(t *testing.T, frame *data.Frame, keys ...string) {
	t.Helper()
	assertTyped(t, frame, data.FrameTypeNumericLong)
	for position, field := range frame.Fields {
		want := data.FieldTypeNullableFloat64
		if position < len(keys) {
			want = data.FieldTypeNullableString
			if field.Name != keys[position] {
				t.Errorf("column %d is %s, want %s", position, field.Name, keys[position])
			}
		}
		if field.Type() != want {
			t.Errorf("column %s has type %s, want %s", field.Name, field.Type(), want)
		}
		if len(field.Labels) != 0 {
			t.Errorf("column %s has labels", field.Name)
		}
	}
	if rests := customOf(t, frame); len(rests.N) != frame.Rows() {
		t.Errorf("custom does not say what each of %d rows rests on: %+v", frame.Rows(), rests)
	}
}

func assertUnit(t *testing.T, field *data.Field, unit string) {
	t.Helper()
	if field.Config == nil || field.Config.Unit != unit {
		t.Errorf("field %s has unit %+v, want %s", field.Name, field.Config, unit)
	}
}

func field(t *testing.T, frame *data.Frame, name string) *data.Field {
	t.Helper()
	found, _ := frame.FieldByName(name)
	if found == nil {
		var names []string
		for _, field := range frame.Fields {
			names = append(names, field.Name)
		}
		t.Fatalf("no column %s among %s", name, strings.Join(names, ", "))
	}
	return found
}

// The frame whose value has this label.
func labelled(t *testing.T, frames data.Frames, key, value string) *data.Frame {
	t.Helper()
	for _, frame := range frames {
		if len(frame.Fields) == 2 && frame.Fields[1].Labels[key] == value {
			return frame
		}
	}
	t.Fatalf("no series with %s=%s among %d", key, value, len(frames))
	return nil
}

// The row of that text in the first column.
func row(t *testing.T, frame *data.Frame, text string) int {
	t.Helper()
	for row, value := range texts(frame.Fields[0]) {
		if value == text {
			return row
		}
	}
	t.Fatalf("no row %s", text)
	return 0
}

func texts(field *data.Field) []string {
	values := make([]string, field.Len())
	for row := range values {
		if value, known := field.ConcreteAt(row); known {
			values[row] = value.(string)
		}
	}
	return values
}

// The numbers of a column; null is NaN.
func numbers(field *data.Field) []float64 {
	values := make([]float64, field.Len())
	for row := range values {
		values[row] = math.NaN()
		if value, known := field.ConcreteAt(row); known {
			values[row] = value.(float64)
		}
	}
	return values
}

func times(field *data.Field) []int64 {
	values := make([]int64, field.Len())
	for row := range values {
		if value, known := field.ConcreteAt(row); known {
			values[row] = value.(time.Time).UnixMilli()
		}
	}
	return values
}

var null = math.NaN()

func assertNumberList(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	same := len(got) == len(want)
	for at := 0; same && at < len(want); at++ {
		same = math.IsNaN(got[at]) && math.IsNaN(want[at]) || math.Abs(got[at]-want[at]) < 1e-9
	}
	if !same {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
