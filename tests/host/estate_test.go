package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The events by which the expectations of these tests were worked out by hand: two applications in the week from
// Monday 3 March 2025, all times UTC.
//
//	shop  Sun 12:00 d0 delivers a0: the first deployment, a baseline
//	      Mon 12:00 d1 delivers a1 (Mon 08:00, 4 h) and a2 (Mon 09:00, 3 h)
//	      Tue 08:00 d2 delivers a3 (Tue 06:00, 2 h)
//	      Tue 09:00 d3 brings a2 back: rolls d2 back, which failed and recovered after 1 h
//	      Fri 08:00 to 09:00 incident OPS-1: 71 h after d3, so no evidence against it
//	payments/cart  Sun 15:00 the baseline b0; Mon 10:00 delivers b1 (Mon 00:00, 10 h)
func writeEvents(t *testing.T, folder string) string {
	t.Helper()
	var file strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&file, format+"\n", arguments...) }
	commit := func(repository, name, parent, at string) {
		parents := "[]"
		if parent != "" {
			parents = fmt.Sprintf("[%q]", hash(parent))
		}
		line(`{"type":"commit","repository":%q,"hash":%q,"parents":%s,"committed_at":%q,"default_branch":true,"branch":"main","message":"change %s"}`,
			"github.com/acme/"+repository, hash(name), parents, at, name)
	}
	deployment := func(id, application, repository, name, at string) {
		line(`{"type":"deployment","id":%q,"application":%q,"environment":"production","repository":%q,"started_at":%q,"finished_at":%q,"commit":%q,"url":"https://ci.example/%s"}`,
			id, application, "github.com/acme/"+repository, at, at, hash(name), id)
	}
	commit("shop", "a0", "", "2025-03-02T10:00:00Z")
	commit("shop", "a1", "a0", "2025-03-03T08:00:00Z")
	commit("shop", "a2", "a1", "2025-03-03T09:00:00Z")
	commit("shop", "a3", "a2", "2025-03-04T06:00:00Z")
	deployment("d0", "shop", "shop", "a0", "2025-03-02T12:00:00Z")
	deployment("d1", "shop", "shop", "a2", "2025-03-03T12:00:00Z")
	deployment("d2", "shop", "shop", "a3", "2025-03-04T08:00:00Z")
	deployment("d3", "shop", "shop", "a2", "2025-03-04T09:00:00Z")
	line(`{"type":"incident","id":"OPS-1","application":"shop","opened_at":"2025-03-07T08:00:00Z","resolved_at":"2025-03-07T09:00:00Z","title":"Checkout is slow","severity":"2"}`)
	commit("cart", "b0", "", "2025-03-02T14:00:00Z")
	commit("cart", "b1", "b0", "2025-03-03T00:00:00Z")
	deployment("e0", "payments/cart", "cart", "b0", "2025-03-02T15:00:00Z")
	deployment("e1", "payments/cart", "cart", "b1", "2025-03-03T10:00:00Z")
	path := filepath.Join(folder, "events.jsonl")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A commit's hash made of its name.
func hash(name string) string {
	return strings.Repeat(fmt.Sprintf("%x", name), 10)
}

func eventsSource(path string) source {
	return source{
		role: "Admin",
		settings: map[string]any{
			"timezone": "UTC",
			"sources":  []any{map[string]any{"name": "events", "kind": "events", "path": path}},
		},
	}
}

// Starts the plugin where it may read a folder with the hand-made events.
func startWithEvents(t *testing.T) (*host, source) {
	t.Helper()
	folder := t.TempDir()
	path := writeEvents(t, folder)
	return start(t, "GF_PLUGIN_ALLOWED_PATHS="+folder), eventsSource(path)
}
