package host

import (
	"fmt"
	"strings"
	"testing"
)

func TestASecretAppearsNowhere(t *testing.T) {
	const canary = "canary-3c1a7c4e"
	folder := t.TempDir()
	path := writeEvents(t, folder)
	h := start(t, "RUST_LOG=trace,grafana_plugin_sdk=trace,h2=trace,hyper=trace", "GF_PLUGIN_ALLOWED_PATHS="+folder)
	s := eventsSource(path)
	s.secrets = map[string]string{"events__token": canary, "tickets__token": canary, canary: "x"}
	var seen strings.Builder
	see := func(what any) { fmt.Fprintf(&seen, "%+v\n", what) }
	query := map[string][]byte{
		"good": []byte(`{"pelorus":{"kind":"scorecard"}}`),
		"bad":  []byte(`{"pelorus":{"kind":"nothing"}}`),
		"odd":  []byte(`{`),
	}
	headers := map[string]string{"Authorization": "Bearer " + canary, "Cookie": canary}
	round := func() {
		for _, role := range []string{"Admin", "None"} {
			s.role = role
			for _, response := range h.askRaw(s, week, query, headers) {
				see(response.Error)
				for _, frame := range response.Frames {
					text, err := frame.MarshalJSON()
					see(string(text))
					see(err)
				}
			}
			see(h.health(s))
			for _, path := range []string{"kinds", "metrics", "sources"} {
				_, answer := h.call(s, "GET", path, "")
				see(answer)
			}
			_, answer := h.call(s, "POST", "check", "{}")
			see(answer)
		}
		see(h.metrics())
	}
	round()
	// Secrets beside settings that cannot work: of sources that do not exist, and in the wrong place.
	s.settings.(map[string]any)["sources"] = []any{
		map[string]any{"name": "tickets", "kind": "jira", "url": "https://jira.example", "token": canary},
		map[string]any{"name": "tickets", "kind": canary},
	}
	round()
	h.stop()
	see(h.stderr)
	if at := strings.Index(seen.String(), canary); at >= 0 {
		text := seen.String()
		t.Errorf("the secret is in: …%s…", text[max(0, at-300):min(len(text), at+100)])
	}
	if len(h.logs()) == 0 {
		t.Error("nothing was logged at trace level")
	}
}
