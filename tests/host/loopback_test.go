package host

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// The kind whose URL these tests give; any that is asked over HTTP does.
const hubKind = "gitea"

// A source of that kind at an address, with further settings.
func hubSource(url string, more map[string]any) source {
	hub := map[string]any{"name": "hub", "kind": hubKind, "url": url, "owners": []string{"acme"}}
	for key, value := range more {
		hub[key] = value
	}
	return source{role: "Admin", settings: map[string]any{"timezone": "UTC", "sources": []any{hub}}}
}

// A server on loopback that has nothing, and counts who comes.
func startHub(t *testing.T, begin func(http.Handler) *httptest.Server) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	server := begin(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(answer, `{"message":"not found"}`, http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	return server, &asked
}

func TestOnlyTheAdministratorLetsASourceAskThisMachine(t *testing.T) {
	server, asked := startHub(t, httptest.NewServer)
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	count := map[string]question{"A": {"kind": "metric", "metric": "deployments", "bucket": "none"}}
	for _, said := range []string{"", "false", "0", "perhaps"} {
		h := start(t, "GF_PLUGIN_ALLOW_LOOPBACK="+said)
		for _, host := range []string{
			"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "LOCALHOST.",
		} {
			s := hubSource("http://"+host+port, nil)
			health := h.health(s)
			if health.Status.String() != "ERROR" || !strings.Contains(health.Message, "allow_loopback") {
				t.Errorf("%q, %s: %v", said, host, health)
			}
			response := h.ask(s, week, count)["A"]
			if response.Error == nil || !strings.Contains(response.Error.Error(), "allow_loopback") {
				t.Errorf("%q, %s: %v", said, host, response.Error)
			}
		}
		for _, proxy := range []string{server.URL, "http://169.254.169.254/"} {
			health := h.health(hubSource("http://git.acme.example/", map[string]any{"proxy": proxy}))
			if health.Status.String() != "ERROR" || !strings.Contains(health.Message, "allow_loopback") {
				t.Errorf("%q, proxy %s: %v", said, proxy, health)
			}
		}
		h.stop()
	}
	if asked.Load() != 0 {
		t.Errorf("it was asked %d times", asked.Load())
	}

	h := start(t, "GF_PLUGIN_ALLOW_LOOPBACK=true")
	health := h.health(hubSource(server.URL, nil))
	if asked.Load() == 0 || strings.Contains(health.Message, "allow_loopback") {
		t.Errorf("asked %d times: %v", asked.Load(), health)
	}
	line := `pelorus_source_requests_total{tenant="1",datasource="pelorus",source="hub",outcome="refused"} `
	if text := h.metrics(); !strings.Contains(text, line) {
		t.Errorf("no line %s in\n%s", line, text)
	}
}

func TestASourceWhoseCertificatesAreNotVerifiedWarnsInEveryAnswer(t *testing.T) {
	server, asked := startHub(t, httptest.NewTLSServer)
	h := start(t, "GF_PLUGIN_ALLOW_LOOPBACK=true")
	warning := "TLS certificates are not verified"
	warns := func(s source) bool {
		frames := h.frames(s, week, question{"kind": "metric", "metric": "deployments", "bucket": "none"})
		var texts []string
		for _, frame := range frames {
			if frame.Meta == nil {
				continue
			}
			for _, notice := range frame.Meta.Notices {
				texts = append(texts, notice.Text)
			}
		}
		return strings.Contains(strings.Join(texts, "\n"), warning)
	}
	s := hubSource(server.URL, nil)
	if warns(s) || asked.Load() != 0 {
		t.Errorf("a certificate that nobody signed was trusted: asked %d times", asked.Load())
	}
	s = hubSource(server.URL, map[string]any{"skipTlsVerify": true})
	s.updated = 1
	if !warns(s) || asked.Load() == 0 {
		t.Errorf("no warning, or not asked (%d times)", asked.Load())
	}
}
