package host

import "testing"

func TestRightsGoByRole(t *testing.T) {
	h, s := startWithEvents(t)
	body := `{"key":"application","from":"2025-03-03T00:00:00Z","to":"2025-03-10T00:00:00Z"}`
	for _, role := range []string{"", "None", "Viewer", "Editor", "Admin", "user who has none"} {
		s.role, s.noUser = role, role == "user who has none"
		editor := role == "Editor" || role == "Admin"
		expect := func(method, path, body string, forEditor, forViewer int) {
			t.Helper()
			want := forViewer
			if editor {
				want = forEditor
			}
			if status, answer := h.call(s, method, path, body); status != want {
				t.Errorf("%q %s %s: want %d, got %d %v", role, method, path, want, status, answer)
			}
		}
		expect("GET", "kinds", "", 200, 200)
		expect("GET", "metrics", "", 200, 200)
		expect("POST", "values", body, 200, 200)
		expect("GET", "sources", "", 200, 403)
		expect("POST", "check", "{}", 200, 403)
		expect("POST", "sync", `{"source":"events"}`, 202, 403)
		response := h.ask(s, week, map[string]question{"A": {"kind": "values", "key": "application"}})["A"]
		if response.Error != nil {
			t.Errorf("%q may not ask: %v", role, response.Error)
		}
	}
	s.role, s.noUser = "Admin", false
	for path, want := range map[string]int{"nothing": 404, "": 404, "kinds/git": 404} {
		if status, _ := h.call(s, "GET", path, ""); status != want {
			t.Errorf("%q: want %d, got %d", path, want, status)
		}
	}
	if status, _ := h.call(s, "DELETE", "sources", ""); status != 405 {
		t.Errorf("DELETE: %d", status)
	}
	if status, _ := h.call(s, "POST", "sync", `{"source":"nobody"}`); status != 404 {
		t.Errorf("an unknown source: %d", status)
	}
}

func TestTheEditorsKnowKindsAndMetrics(t *testing.T) {
	h := start(t)
	s := source{settings: map[string]any{"sources": "not a list"}, role: "Editor"}
	status, kinds := h.call(s, "GET", "kinds", "")
	if status != 200 || len(kinds["kinds"].([]any)) == 0 || len(kinds["settings"].([]any)) == 0 {
		t.Errorf("%d %v", status, kinds)
	}
	status, metrics := h.call(s, "GET", "metrics", "")
	if status != 200 || len(metrics["metrics"].([]any)) < 20 || len(metrics["kinds"].([]any)) != 8 {
		t.Errorf("%d %v", status, metrics)
	}
}

func TestAViewerLearnsNoSourcesFromTheHealthCheck(t *testing.T) {
	h, s := startWithEvents(t)
	s.role = "Viewer"
	health := h.health(s)
	if health.Status.String() != "OK" || len(health.JsonDetails) > 2 {
		t.Errorf("%v %s", health, health.JsonDetails)
	}
}

func TestSourcesTellHowTheyDo(t *testing.T) {
	h, s := startWithEvents(t)
	applications(t, h, s)
	status, answer := h.call(s, "GET", "sources", "")
	listed, _ := answer["sources"].([]any)
	if status != 200 || len(listed) != 1 {
		t.Fatalf("%d %v", status, answer)
	}
	events := listed[0].(map[string]any)
	if events["name"] != "events" || events["kind"] != "events" || events["events"] != 13.0 || events["error"] != nil {
		t.Errorf("%v", events)
	}
	if covered, _ := events["covered"].([]any); len(covered) != 1 || covered[0].(map[string]any)["from"] != "2025-03-02T10:00:00.000Z" {
		t.Errorf("covered %v", events["covered"])
	}
}
