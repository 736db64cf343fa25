package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"pelorus.dev/tests/host/grafana"
)

// A running plugin.
type host struct {
	t           *testing.T
	client      *plugin.Client
	rpc         plugin.ClientProtocol
	data        grpcplugin.DataClient
	diagnostics grpcplugin.DiagnosticsClient
	resource    grpcplugin.ResourceClient
	cmd         *exec.Cmd
	stderr      *lines
	handshake   time.Duration
}

// What the plugin wrote to stderr, for reading while it runs.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lines) Write(part []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(part)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PELORUS_BINARY")
	if path == "" {
		path = filepath.Join("..", "..", "target", "debug", "pelorus")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("build the binary first, or name it by PELORUS_BINARY: %v", err)
	}
	return path
}

// Starts the plugin with these variables and nothing else in its environment.
func start(t *testing.T, environment ...string) *host {
	t.Helper()
	h := &host{t: t, stderr: &lines{}, cmd: exec.Command(binary(t))}
	h.cmd.Env = environment
	h.client = grafana.Launch(h.cmd, h.stderr)
	t.Cleanup(h.client.Kill)
	began := time.Now()
	rpc, err := h.client.Client()
	if err != nil {
		t.Fatalf("cannot start the plugin: %v\n%s", err, h.stderr)
	}
	h.handshake = time.Since(began)
	h.rpc = rpc
	h.data = dispense[grpcplugin.DataClient](h, "data")
	h.diagnostics = dispense[grpcplugin.DiagnosticsClient](h, "diagnostics")
	h.resource = dispense[grpcplugin.ResourceClient](h, "resource")
	return h
}

func dispense[Client any](h *host, name string) Client {
	h.t.Helper()
	raw, err := h.rpc.Dispense(name)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw.(Client)
}

// A data source of an organisation, with its settings.
type source struct {
	org       int64
	namespace string
	uid       string
	settings  any
	secrets   map[string]string
	updated   int64
	role      string
	noUser    bool
}

func (s source) context(t *testing.T) *pluginv2.PluginContext {
	t.Helper()
	jsonData, err := json.Marshal(s.settings)
	if err != nil {
		t.Fatal(err)
	}
	org := s.org
	if org == 0 {
		org = 1
	}
	uid := s.uid
	if uid == "" {
		uid = "pelorus"
	}
	context := &pluginv2.PluginContext{
		OrgId:     org,
		Namespace: s.namespace,
		PluginId:  "pelorus-dora-datasource",
		DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
			Uid:                     uid,
			Name:                    "Pelorus",
			JsonData:                jsonData,
			DecryptedSecureJsonData: s.secrets,
			LastUpdatedMS:           s.updated,
		},
		GrafanaConfig: map[string]string{"GF_APP_URL": "http://localhost:3000/"},
	}
	if !s.noUser {
		context.User = &pluginv2.User{Login: "tester", Role: s.role}
	}
	return context
}

// The range of the hand-made events: a week from a Monday.
var week = span("2025-03-03T00:00:00Z", "2025-03-10T00:00:00Z")

func span(from, to string) *pluginv2.TimeRange {
	return &pluginv2.TimeRange{FromEpochMS: at(from).UnixMilli(), ToEpochMS: at(to).UnixMilli()}
}

func at(text string) time.Time {
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return instant
}

type question map[string]any

// Asks questions at once, each by its refId, and decodes the answers as Grafana does.
func (h *host) ask(s source, during *pluginv2.TimeRange, questions map[string]question) backend.Responses {
	h.t.Helper()
	queries := map[string][]byte{}
	for refID, question := range questions {
		query, err := json.Marshal(map[string]any{"refId": refID, "pelorus": question})
		if err != nil {
			h.t.Fatal(err)
		}
		queries[refID] = query
	}
	return h.askRaw(s, during, queries, nil)
}

func (h *host) askRaw(s source, during *pluginv2.TimeRange, queries map[string][]byte, headers map[string]string) backend.Responses {
	h.t.Helper()
	request := &pluginv2.QueryDataRequest{PluginContext: s.context(h.t), Headers: headers}
	for refID, query := range queries {
		request.Queries = append(request.Queries, &pluginv2.DataQuery{RefId: refID, TimeRange: during, Json: query, MaxDataPoints: 1000})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	response, err := h.data.QueryData(ctx, request)
	if err != nil {
		h.t.Fatalf("%v\n%s", err, h.stderr)
	}
	decoded, err := backend.FromProto().QueryDataResponse(response)
	if err != nil {
		h.t.Fatalf("Grafana could not decode the answer: %v", err)
	}
	for refID := range queries {
		if _, answered := decoded.Responses[refID]; !answered {
			h.t.Errorf("query %s is not answered", refID)
		}
	}
	return decoded.Responses
}

// Asks one question until every source has been read, and returns its frames.
func (h *host) frames(s source, during *pluginv2.TimeRange, asked question) data.Frames {
	h.t.Helper()
	response := h.ask(s, during, map[string]question{"A": asked})["A"]
	if response.Error != nil {
		h.t.Fatalf("%v: %v\n%s", asked, response.Error, h.stderr)
	}
	for _, frame := range response.Frames {
		if frame.RefID != "A" {
			h.t.Errorf("the frame's refId is %q", frame.RefID)
		}
	}
	return response.Frames
}

func (h *host) health(s source) *pluginv2.CheckHealthResponse {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	response, err := h.diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{PluginContext: s.context(h.t)})
	if err != nil {
		h.t.Fatalf("%v\n%s", err, h.stderr)
	}
	var details map[string]any
	if err := json.Unmarshal(response.JsonDetails, &details); err != nil {
		h.t.Errorf("details are no JSON object, which Grafana fails on: %s", response.JsonDetails)
	}
	return response
}

func (h *host) metrics() string {
	h.t.Helper()
	response, err := h.diagnostics.CollectMetrics(context.Background(), &pluginv2.CollectMetricsRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	return string(response.Metrics.Prometheus)
}

// Calls a resource: the status and the decoded JSON.
func (h *host) call(s source, method, path, body string) (int, map[string]any) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	stream, err := h.resource.CallResource(ctx, &pluginv2.CallResourceRequest{
		PluginContext: s.context(h.t), Path: path, Method: method, Url: path, Body: []byte(body),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	var status int
	var answer []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			h.t.Fatalf("%s %s: %v", method, path, err)
		}
		if part.Code != 0 {
			status = int(part.Code)
		}
		answer = append(answer, part.Body...)
	}
	var decoded map[string]any
	if err := json.Unmarshal(answer, &decoded); err != nil {
		h.t.Fatalf("%s %s answers no JSON object: %s", method, path, answer)
	}
	if status >= 400 && decoded["error"] == nil {
		h.t.Errorf("%s %s: status %d without a sentence", method, path, status)
	}
	return status, decoded
}

// Stops the plugin as Grafana does: how long it took and its exit code.
func (h *host) stop() (time.Duration, int) {
	h.t.Helper()
	began := time.Now()
	h.client.Kill()
	took := time.Since(began)
	if h.cmd.ProcessState == nil {
		h.t.Fatal("the process goes on")
	}
	return took, h.cmd.ProcessState.ExitCode()
}

// Every line on stderr, decoded; each must be a log line that Grafana can read.
func (h *host) logs() []map[string]any {
	h.t.Helper()
	var logs []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(h.stderr.String()), "\n") {
		if line == "" {
			continue
		}
		var log map[string]any
		if err := json.Unmarshal([]byte(line), &log); err != nil {
			h.t.Errorf("Grafana cannot read this line: %s", line)
			continue
		}
		level, _ := log["@level"].(string)
		if hclog.LevelFromString(level) == hclog.NoLevel {
			h.t.Errorf("a line without level: %s", line)
		}
		stamp, _ := log["@timestamp"].(string)
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", stamp); err != nil {
			h.t.Errorf("a line without time: %s", line)
		}
		if len(line) > 64<<10 {
			h.t.Errorf("a line of %d bytes", len(line))
		}
		logs = append(logs, log)
	}
	return logs
}

// The connection itself, for services that no go-plugin client has.
func (h *host) conn() *grpc.ClientConn {
	return h.rpc.(*plugin.GRPCClient).Conn
}
