package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOrganisationsSeeOnlyTheirOwnData(t *testing.T) {
	folder, empty := t.TempDir(), t.TempDir()
	path := writeEvents(t, folder)
	if err := os.WriteFile(filepath.Join(empty, "events.jsonl"), []byte(`{"type":"deployment","application":"secret-project","environment":"production","finished_at":"2025-03-04T10:00:00Z","version":"1"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	h := start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder+":"+empty, "GF_PATHS_DATA="+data)
	one, two := eventsSource(path), eventsSource(filepath.Join(empty, "events.jsonl"))
	two.org = 2
	for range 2 {
		if applications := applications(t, h, one); applications != "payments/cart shop" {
			t.Errorf("organisation 1 sees %s", applications)
		}
		if applications := applications(t, h, two); applications != "secret-project" {
			t.Errorf("organisation 2 sees %s", applications)
		}
	}
	for _, name := range []string{"1-pelorus.db", "2-pelorus.db"} {
		if _, err := os.Stat(filepath.Join(data, "pelorus", name)); err != nil {
			t.Errorf("no ledger: %v", err)
		}
	}
	// Grafana 13 names organisation 2 by its namespace.
	two.namespace = "org-2"
	if applications := applications(t, h, two); applications != "secret-project" {
		t.Errorf("namespace org-2 sees %s", applications)
	}
}

func applications(t *testing.T, h *host, s source) string {
	t.Helper()
	frame := h.frames(s, week, question{"kind": "values", "key": "application"})[0]
	return strings.Join(texts(field(t, frame, "value")), " ")
}

func TestChangedSettingsWorkAtOnce(t *testing.T) {
	h, s := startWithEvents(t)
	if listed := applications(t, h, s); listed != "payments/cart shop" {
		t.Fatalf("applications %s", listed)
	}
	settings := s.settings.(map[string]any)
	events := settings["sources"].([]any)[0].(map[string]any)
	other := filepath.Join(filepath.Dir(events["path"].(string)), "other.jsonl")
	line := `{"type":"deployment","application":"basket","environment":"production","finished_at":"2025-03-04T10:00:00Z","version":"1"}` + "\n"
	if err := os.WriteFile(other, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	events["path"] = other
	if listed := applications(t, h, s); listed != "basket" {
		t.Errorf("after the change: %s", listed)
	}
	settings["sources"] = []any{}
	if health := h.health(s); health.Status.String() != "ERROR" {
		t.Errorf("no source is left, but: %v", health)
	}
}

func TestChangedSettingsTakeTheLedgerOver(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	path := writeEvents(t, folder)
	h := start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder, "GF_PATHS_DATA="+data)
	s := eventsSource(path)
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Tokyo"} {
		s.settings.(map[string]any)["timezone"] = zone
		s.updated++
		if listed := applications(t, h, s); listed != "payments/cart shop" {
			t.Errorf("%s: applications %s", zone, listed)
		}
		if status, answer := h.call(s, "POST", "sync", ""); status != 202 {
			t.Errorf("%s: %v", zone, answer)
		}
	}
	if text := h.metrics(); !strings.Contains(text, "pelorus_instances 1\n") {
		t.Errorf("not one instance:\n%s", text)
	}
	if strings.Contains(h.stderr.String(), "reading only") {
		t.Errorf("the ledger was not handed over:\n%s", h.stderr)
	}
}

func TestALedgerServesOneDataSource(t *testing.T) {
	h, s := startWithEvents(t)
	events := s.settings.(map[string]any)["sources"].([]any)[0].(map[string]any)["path"].(string)
	ledger := filepath.Join(filepath.Dir(events), "team.db")
	s.settings.(map[string]any)["ledger"] = ledger
	if listed := applications(t, h, s); listed != "payments/cart shop" {
		t.Fatalf("applications %s", listed)
	}
	other := s
	other.uid, other.org = "other", 2
	response := h.ask(other, week, map[string]question{"A": {"kind": "values", "key": "application"}})["A"]
	if response.Error == nil || response.Status != 400 || !strings.Contains(response.Error.Error(), "belongs to another data source") {
		t.Errorf("%d %v", response.Status, response.Error)
	}
}

func TestFilesOutsideTheAllowedPathsAreRefused(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	path := writeEvents(t, folder)
	h := start(t, "GF_PATHS_DATA="+data)
	s := eventsSource(path)
	response := h.ask(s, week, map[string]question{"A": {"kind": "values", "key": "application"}})["A"]
	if response.Error == nil || response.Status != 400 || response.ErrorSource != "downstream" {
		t.Fatalf("%d %s %v", response.Status, response.ErrorSource, response.Error)
	}
	for _, wanted := range []string{"allowed_paths", "path"} {
		if !strings.Contains(response.Error.Error(), wanted) {
			t.Errorf("the error does not name %s: %v", wanted, response.Error)
		}
	}
	if strings.Contains(response.Error.Error(), folder) {
		t.Errorf("the error repeats the value: %v", response.Error)
	}
	health := h.health(s)
	if health.Status.String() != "ERROR" || !strings.Contains(health.Message, "allowed_paths") {
		t.Errorf("%v", health)
	}
}

func TestHealthHasALineASource(t *testing.T) {
	folder := t.TempDir()
	path := writeEvents(t, folder)
	h := start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder)
	s := eventsSource(path)
	health := h.health(s)
	if health.Status.String() != "OK" || !strings.Contains(health.Message, "events (events)") {
		t.Errorf("%v", health)
	}
	broken := map[string]any{"name": "broken", "kind": "events", "path": filepath.Join(folder, "missing", "x.jsonl")}
	settings := s.settings.(map[string]any)
	settings["sources"] = append(settings["sources"].([]any), broken)
	health = h.health(s)
	lines := strings.Split(health.Message, "\n")
	if health.Status.String() != "ERROR" || len(lines) < 2 || !strings.HasPrefix(lines[0], "broken (events)") {
		t.Errorf("%v", health)
	}
	settings["sources"] = []any{map[string]any{"name": "Odd Name", "kind": "events", "path": path}, map[string]any{"name": "x", "kind": "sharepoint"}}
	health = h.health(s)
	if health.Status.String() != "ERROR" || !strings.Contains(health.Message, "sources[0].name") || !strings.Contains(health.Message, "sources[1].kind") {
		t.Errorf("not every fault is named: %v", health)
	}
}
