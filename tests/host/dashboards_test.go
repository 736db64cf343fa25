package host

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What of a dashboard's JSON asks questions.
type dashboard struct {
	UID         string
	Panels      []panel
	Templating  struct{ List []variable }
	Annotations struct {
		List []struct{ Target struct{ Pelorus question } }
	}
}

type panel struct {
	Title       string
	Type        string
	Targets     []struct{ Pelorus question }
	Options     struct{ XField string }
	FieldConfig struct {
		Overrides []struct {
			Matcher struct {
				ID      string
				Options string
			}
		}
	}
}

type variable struct {
	Name  string
	Type  string
	Query json.RawMessage
}

// Replaces what Grafana's browser side would: every variable stands on "All".
func interpolated(t *testing.T, asked question) question {
	t.Helper()
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"team", "application"} {
		text = []byte(strings.ReplaceAll(string(text), "${"+name+":regex}", ".*"))
	}
	var replaced question
	if err := json.Unmarshal(text, &replaced); err != nil {
		t.Fatal(err)
	}
	return replaced
}

// Every panel, variable and annotation of the dashboards is answered by the plugin, with rows.
func TestEveryPanelOfTheDashboardsIsAnswered(t *testing.T) {
	files, err := filepath.Glob("../../dashboards/*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("two dashboards, not %v (%v)", files, err)
	}
	h, s := startWithDemo(t)
	quarter := span("2026-04-01T00:00:00Z", "2026-06-30T00:00:00Z")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board dashboard
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		asked := 0
		rows := func(what string, wanted question) []string {
			asked++
			names := []string{}
			response := h.ask(s, quarter, map[string]question{"A": interpolated(t, wanted)})["A"]
			if response.Error != nil {
				t.Errorf("%s, %s: %v", board.UID, what, response.Error)
				return nil
			}
			total := 0
			for _, frame := range response.Frames {
				total += frame.Rows()
				for _, field := range frame.Fields {
					names = append(names, field.Name)
				}
			}
			if total == 0 {
				t.Errorf("%s, %s: no rows", board.UID, what)
			}
			return names
		}
		for _, panel := range board.Panels {
			for _, target := range panel.Targets {
				names := " " + strings.Join(rows("panel "+panel.Title, target.Pelorus), " ") + " "
				if axis := panel.Options.XField; axis != "" && !strings.Contains(names, " "+axis+" ") {
					t.Errorf("%s, %s: no field %s in%s", board.UID, panel.Title, axis, names)
				}
				for _, override := range panel.FieldConfig.Overrides {
					named := override.Matcher
					if named.ID == "byName" && !strings.Contains(names, " "+named.Options+" ") {
						t.Errorf("%s, %s: no field %s in%s", board.UID, panel.Title, named.Options, names)
					}
				}
			}
			if panel.Type != "row" && panel.Type != "text" && len(panel.Targets) == 0 {
				t.Errorf("%s, %s asks nothing", board.UID, panel.Title)
			}
		}
		for _, variable := range board.Templating.List {
			if variable.Type == "query" {
				var query struct{ Pelorus question }
				if err := json.Unmarshal(variable.Query, &query); err != nil {
					t.Fatal(err)
				}
				rows("variable "+variable.Name, query.Pelorus)
			}
		}
		for _, annotation := range board.Annotations.List {
			rows("annotations", annotation.Target.Pelorus)
		}
		if asked < 8 {
			t.Errorf("%s asks only %d questions", board.UID, asked)
		}
	}
}
