package host

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A Jenkins with three builds that deployed, an hour apart and the last an hour ago; counts who comes.
func startJenkins(t *testing.T) (string, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	build := func(number int, hoursAgo int) map[string]any {
		revision := map[string]any{"SHA1": strings.Repeat(fmt.Sprint(number), 40)}
		return map[string]any{
			"number": number, "result": "SUCCESS", "building": false, "duration": 60_000,
			"timestamp": time.Now().Add(-time.Duration(hoursAgo) * time.Hour).UnixMilli(),
			"url":       fmt.Sprintf("https://jenkins.acme.example/%d/", number),
			"actions":   []any{map[string]any{"lastBuiltRevision": revision, "remoteUrls": []string{"https://github.com/acme/shop.git"}}},
		}
	}
	job := map[string]any{
		"_class": "WorkflowJob", "fullName": "acme/shop/deploy", "firstBuild": map[string]any{"number": 1},
		"builds": []any{build(3, 1), build(2, 2), build(1, 3)},
	}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		answer.Header().Set("x-jenkins", "2.479.1")
		if err := json.NewEncoder(answer).Encode(map[string]any{"_class": "hudson.model.Hudson", "jobs": []any{job}}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, &asked
}

// A Prometheus on a folder of its own; returns its address.
func startPrometheus(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	settings := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(settings, []byte("storage: { tsdb: { out_of_order_time_window: 30d } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("prometheus", "--config.file="+settings, "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address="+address, "--web.enable-remote-write-receiver")
	if err := command.Start(); err != nil {
		t.Fatalf("tests/setup.sh installs Prometheus: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get("http://" + address + "/-/ready"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
	}
	t.Fatal("Prometheus is not ready")
	return ""
}

// Several Grafanas read the store: one export loop asks the API, and nobody asks it again however many they are.
func TestReplicasReadTheHistoryAndLeaveTheAPIAlone(t *testing.T) {
	jenkins, asked := startJenkins(t)
	prometheus := startPrometheus(t)
	folder := t.TempDir()
	deployments := []any{map[string]any{"from": "build", "match": "/deploy$", "environment": "production"}}
	settings, err := json.Marshal(map[string]any{
		"ledger":      "ledger.db",
		"sources":     []any{map[string]any{"name": "ci", "kind": "jenkins", "url": jenkins}},
		"deployments": deployments,
		"export": map[string]any{"destinations": []any{map[string]any{
			"name": "prometheus", "url": prometheus + "/api/v1/write", "readUrl": prometheus,
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "pelorus.yaml")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	if told, err := exec.Command(binary(t), "export", "--once", "--config", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	collected := asked.Load()
	if collected == 0 {
		t.Fatal("the loop asked nobody")
	}

	history := source{role: "Admin", settings: map[string]any{
		"timezone": "UTC", "deployments": deployments,
		"sources": []any{map[string]any{"name": "history", "kind": "prometheus", "url": prometheus}},
	}}
	now := time.Now().UTC()
	day := span(now.Add(-24*time.Hour).Format(time.RFC3339), now.Format(time.RFC3339))
	count := question{"kind": "metric", "metric": "deployments", "bucket": "none"}
	var replicas []*host
	for range 2 {
		replicas = append(replicas, start(t, "GF_PLUGIN_ALLOW_LOOPBACK=true"))
	}
	for round := range 3 {
		for at, replica := range replicas {
			frames := replica.frames(history, day, count)
			if len(frames) != 1 {
				t.Fatalf("round %d, replica %d: %d frames", round, at, len(frames))
			}
			assertNumberList(t, "deployments", numbers(frames[0].Fields[0]), 3)
		}
	}
	if asked.Load() != collected {
		t.Errorf("the replicas asked the API %d times", asked.Load()-collected)
	}
	for at, replica := range replicas {
		text := replica.metrics()
		if !strings.Contains(text, `source="history",outcome="ok"`) {
			t.Errorf("replica %d did not read the history:\n%s", at, text)
		}
	}
}
