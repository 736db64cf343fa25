package host

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestThePluginStartsAndStopsAsGrafanaWants(t *testing.T) {
	h := start(t)
	t.Logf("handshake after %v", h.handshake)
	if err := h.rpc.Ping(); err != nil {
		t.Errorf("ping: %v", err)
	}
	h.health(source{settings: map[string]any{}})
	took, code := h.stop()
	t.Logf("stopped after %v", took)
	if took > time.Second || code != 0 {
		t.Errorf("it took %v to stop, with exit code %d", took, code)
	}
}

func TestARequestUnderWayDoesNotHoldTheStopUp(t *testing.T) {
	h, s := startWithEvents(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 50 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, err := h.diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{PluginContext: s.context(t)})
			cancel()
			if err != nil {
				return
			}
		}
	}()
	took, code := h.stop()
	<-done
	if took > time.Second || code != 0 {
		t.Errorf("it took %v to stop, with exit code %d", took, code)
	}
}

func TestItEndsWithAGrafanaThatWasKilled(t *testing.T) {
	// A shell starts the plugin and goes; the pipe ends when the plugin does.
	cmd := exec.Command("/bin/sh", "-c", `"$0" & read line`, binary(t))
	cmd.Env = []string{"grafana_plugin_type=datasource"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(stdout)
	if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "1|2|tcp|127.0.0.1:") {
		t.Fatalf("%q %v", line, err)
	}
	stdin.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		rest, _ := io.ReadAll(reader)
		if len(rest) > 0 {
			t.Errorf("more than the handshake on stdout: %s", rest)
		}
	}()
	select {
	case <-ended:
	case <-time.After(15 * time.Second):
		t.Error("the plugin outlives its Grafana")
	}
	_ = cmd.Wait()
}

func TestItIsNoProgramForTheHand(t *testing.T) {
	cmd := exec.Command(binary(t), "serve")
	cmd.Env = []string{}
	output, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("exit code %d: %s", cmd.ProcessState.ExitCode(), output)
	}
	if !strings.Contains(string(output), "Grafana") {
		t.Errorf("it does not say what it is: %s", output)
	}
}

func TestServicesThatWeDoNotHaveAreUnimplemented(t *testing.T) {
	h := start(t)
	client := pluginv2.NewStreamClient(h.conn())
	_, err := client.SubscribeStream(context.Background(), &pluginv2.SubscribeStreamRequest{Path: "x"})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("stream: %v", err)
	}
	_, err = pluginv2.NewDataClient(h.conn()).QueryData(context.Background(), &pluginv2.QueryDataRequest{})
	if err != nil {
		t.Errorf("a request without queries: %v", err)
	}
}

func TestLargeRequestsAreTaken(t *testing.T) {
	h := start(t)
	s := source{settings: map[string]any{"timezone": "UTC"}}
	query := []byte(`{"pelorus":{"kind":"metric","metric":"no such metric"},"comment":"` + strings.Repeat("x", 8<<20) + `"}`)
	response := h.askRaw(s, week, map[string][]byte{"A": query}, nil)["A"]
	if response.Error == nil || response.Status != 400 {
		t.Errorf("want a bad query, got %v %v", response.Status, response.Error)
	}
}

func TestLogsAreReadableAndNameTheTrace(t *testing.T) {
	h := start(t, "RUST_LOG=debug")
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	ctx := metadata.AppendToOutgoingContext(context.Background(), "traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	request := &pluginv2.QueryDataRequest{
		PluginContext: source{settings: map[string]any{}}.context(t),
		Queries:       []*pluginv2.DataQuery{{RefId: "A", Json: []byte("{"), TimeRange: week}},
	}
	if _, err := h.data.QueryData(ctx, request); err != nil {
		t.Fatal(err)
	}
	h.stop()
	for _, log := range h.logs() {
		if span, _ := log["span"].(map[string]any); span != nil && span["traceID"] == trace {
			return
		}
	}
	t.Errorf("no line names the trace:\n%s", h.stderr)
}

func TestMetricsAreExposed(t *testing.T) {
	h, s := startWithEvents(t)
	h.ask(s, week, map[string]question{
		"A": {"kind": "metric", "metric": "deployments", "bucket": "none"},
		"B": {"kind": "no such kind"},
	})
	text := h.metrics()
	for _, line := range []string{
		`pelorus_queries_total{kind="metric",status="200"} 1`,
		`pelorus_query_errors_total{source="downstream"} 1`,
		`pelorus_query_errors_total{source="plugin"} 0`,
		`pelorus_query_duration_seconds_count{kind="metric"} 1`,
		`pelorus_instances 1`,
		`pelorus_source_events{tenant="1",datasource="pelorus",source="events",kind="events"} 13`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}
