package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

const pluginID = "pelorus-dora-datasource"

// The longest body of a request.
const longestBody = 16 << 20

// The part of Grafana's HTTP interface that a data source and its pages use.
type api struct {
	data        grpcplugin.DataClient
	diagnostics grpcplugin.DiagnosticsClient
	resource    grpcplugin.ResourceClient

	mutex   sync.Mutex
	sources map[string]*dataSource
}

// A saved data source. Its secrets are never sent back.
type dataSource struct {
	version  int
	jsonData json.RawMessage
	secrets  map[string]string
	updated  time.Time
}

func (a *api) register(routes *http.ServeMux) {
	routes.HandleFunc("GET /api/datasources/uid/{uid}", a.load)
	routes.HandleFunc("PUT /api/datasources/uid/{uid}", a.save)
	routes.HandleFunc("GET /api/datasources/uid/{uid}/health", a.health)
	routes.HandleFunc("/api/datasources/uid/{uid}/resources/{path...}", a.call)
	routes.HandleFunc("POST /api/ds/query", a.query)
}

func (a *api) load(writer http.ResponseWriter, request *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	uid := request.PathValue("uid")
	saved, known := a.sources[uid]
	if !known {
		refuse(writer, http.StatusNotFound, "Data source not found")
		return
	}
	answer(writer, http.StatusOK, saved.shown(uid))
}

func (a *api) save(writer http.ResponseWriter, request *http.Request) {
	var wanted struct {
		JSONData       json.RawMessage   `json:"jsonData"`
		SecureJSONData map[string]string `json:"secureJsonData"`
	}
	if !read(writer, request, &wanted) {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	uid := request.PathValue("uid")
	saved, known := a.sources[uid]
	if !known {
		saved = &dataSource{secrets: map[string]string{}}
		a.sources[uid] = saved
	}
	saved.version++
	saved.updated = time.Now()
	saved.jsonData = wanted.JSONData
	// As in Grafana: a secret that is not sent stays, and an empty one is none.
	for key, value := range wanted.SecureJSONData {
		if value == "" {
			delete(saved.secrets, key)
		} else {
			saved.secrets[key] = value
		}
	}
	answer(writer, http.StatusOK, map[string]any{"datasource": saved.shown(uid), "message": "Datasource updated"})
}

func (s *dataSource) shown(uid string) map[string]any {
	fields := map[string]bool{}
	for key := range s.secrets {
		fields[key] = true
	}
	return map[string]any{
		"id": 1, "uid": uid, "orgId": 1, "name": "Pelorus", "type": pluginID, "access": "proxy", "url": "",
		"version": s.version, "readOnly": false, "jsonData": s.jsonData, "secureJsonFields": fields,
	}
}

// The context of a request that an administrator makes, nil after an answer that there is no such data source.
func (a *api) context(writer http.ResponseWriter, uid string) *pluginv2.PluginContext {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	saved, known := a.sources[uid]
	if !known {
		refuse(writer, http.StatusNotFound, "Data source not found")
		return nil
	}
	secrets := map[string]string{}
	for key, value := range saved.secrets {
		secrets[key] = value
	}
	return &pluginv2.PluginContext{
		OrgId:    1,
		PluginId: pluginID,
		User:     &pluginv2.User{Login: "admin", Role: "Admin"},
		DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
			Id: 1, Uid: uid, Name: "Pelorus", JsonData: saved.jsonData, DecryptedSecureJsonData: secrets,
			LastUpdatedMS: saved.updated.UnixMilli(),
		},
	}
}

func (a *api) query(writer http.ResponseWriter, request *http.Request) {
	var asked struct {
		From    string            `json:"from"`
		To      string            `json:"to"`
		Queries []json.RawMessage `json:"queries"`
	}
	if !read(writer, request, &asked) {
		return
	}
	from, wrongFrom := strconv.ParseInt(asked.From, 10, 64)
	to, wrongTo := strconv.ParseInt(asked.To, 10, 64)
	if err := errors.Join(wrongFrom, wrongTo); err != nil || len(asked.Queries) == 0 {
		refuse(writer, http.StatusBadRequest, "A range in milliseconds and queries are needed")
		return
	}
	var uid string
	var queries []*pluginv2.DataQuery
	for _, text := range asked.Queries {
		var query struct {
			RefID         string  `json:"refId"`
			IntervalMS    float64 `json:"intervalMs"`
			MaxDataPoints int64   `json:"maxDataPoints"`
			Datasource    struct {
				UID string `json:"uid"`
			} `json:"datasource"`
		}
		if err := json.Unmarshal(text, &query); err != nil {
			refuse(writer, http.StatusBadRequest, err.Error())
			return
		}
		uid = query.Datasource.UID
		queries = append(queries, &pluginv2.DataQuery{
			RefId: query.RefID, MaxDataPoints: query.MaxDataPoints, IntervalMS: int64(query.IntervalMS), Json: text,
			TimeRange: &pluginv2.TimeRange{FromEpochMS: from, ToEpochMS: to},
		})
	}
	context := a.context(writer, uid)
	if context == nil {
		return
	}
	response, err := a.data.QueryData(request.Context(), &pluginv2.QueryDataRequest{PluginContext: context, Queries: queries})
	if err != nil {
		refuse(writer, http.StatusInternalServerError, err.Error())
		return
	}
	decoded, err := backend.FromProto().QueryDataResponse(response)
	if err != nil {
		refuse(writer, http.StatusInternalServerError, err.Error())
		return
	}
	status := http.StatusOK
	for _, one := range decoded.Responses {
		if one.Error != nil {
			status = http.StatusBadRequest
		}
	}
	answer(writer, status, decoded)
}

func (a *api) health(writer http.ResponseWriter, request *http.Request) {
	context := a.context(writer, request.PathValue("uid"))
	if context == nil {
		return
	}
	response, err := a.diagnostics.CheckHealth(request.Context(), &pluginv2.CheckHealthRequest{PluginContext: context})
	if err != nil {
		refuse(writer, http.StatusInternalServerError, err.Error())
		return
	}
	status := http.StatusOK
	if response.Status != pluginv2.CheckHealthResponse_OK {
		status = http.StatusBadRequest
	}
	shown := map[string]any{"status": response.Status.String(), "message": response.Message}
	if len(response.JsonDetails) > 0 {
		shown["details"] = json.RawMessage(response.JsonDetails)
	}
	answer(writer, status, shown)
}

func (a *api) call(writer http.ResponseWriter, request *http.Request) {
	context := a.context(writer, request.PathValue("uid"))
	if context == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, longestBody))
	if err != nil {
		refuse(writer, http.StatusRequestEntityTooLarge, err.Error())
		return
	}
	stream, err := a.resource.CallResource(request.Context(), &pluginv2.CallResourceRequest{
		PluginContext: context, Path: request.PathValue("path"), Method: request.Method, Url: request.URL.RequestURI(), Body: body,
	})
	if err != nil {
		refuse(writer, http.StatusInternalServerError, err.Error())
		return
	}
	for begun := false; ; begun = true {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if !begun {
				refuse(writer, http.StatusInternalServerError, err.Error())
			}
			return
		}
		if !begun {
			for name, values := range part.Headers {
				writer.Header()[name] = values.Values
			}
			writer.WriteHeader(int(part.Code))
		}
		if _, err := writer.Write(part.Body); err != nil {
			return
		}
	}
}

func read(writer http.ResponseWriter, request *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(writer, request.Body, longestBody)).Decode(into); err != nil {
		refuse(writer, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

func refuse(writer http.ResponseWriter, status int, message string) {
	answer(writer, status, map[string]string{"message": message})
}

func answer(writer http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	_, _ = writer.Write(text) // The browser may have gone.
}
