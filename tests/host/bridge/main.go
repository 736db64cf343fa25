// Command bridge serves a browser what it needs of Grafana: our built frontend, a page to host it, and the part of
// Grafana's HTTP interface that a data source uses, answered by the plugin's own process.
//
// usage: bridge BINARY PAGE DIST LOG [VARIABLE=VALUE…]
//
// It prints its address, and ends, with the plugin, when its standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	plugin "github.com/hashicorp/go-plugin"
	"pelorus.dev/tests/host/grafana"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 5 {
		log.Fatal("usage: bridge BINARY PAGE DIST LOG [VARIABLE=VALUE…]")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5:]); err != nil {
		log.Fatal(err)
	}
}

func run(binary, page, dist, logFile string, environment []string) error {
	stderr, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd := exec.Command(binary)
	cmd.Env = environment
	client := grafana.Launch(cmd, stderr)
	defer client.Kill()
	api, err := connect(client)
	if err != nil {
		return fmt.Errorf("cannot start the plugin, see %s: %w", logFile, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	routes := http.NewServeMux()
	api.register(routes)
	routes.Handle("/public/plugins/"+pluginID+"/", http.StripPrefix("/public/plugins/"+pluginID, http.FileServer(http.Dir(dist))))
	routes.Handle("/", http.FileServer(http.Dir(page)))
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, routes) }()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // However the input ends, it is over.
		close(ended)
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ended:
		return nil
	}
}

func connect(client *plugin.Client) (*api, error) {
	rpc, err := client.Client()
	if err != nil {
		return nil, err
	}
	data, err := dispense[grpcplugin.DataClient](rpc, "data")
	if err != nil {
		return nil, err
	}
	diagnostics, err := dispense[grpcplugin.DiagnosticsClient](rpc, "diagnostics")
	if err != nil {
		return nil, err
	}
	resource, err := dispense[grpcplugin.ResourceClient](rpc, "resource")
	if err != nil {
		return nil, err
	}
	return &api{data: data, diagnostics: diagnostics, resource: resource, sources: map[string]*dataSource{}}, nil
}

func dispense[Client any](rpc plugin.ClientProtocol, name string) (Client, error) {
	var none Client
	raw, err := rpc.Dispense(name)
	if err != nil {
		return none, err
	}
	client, fits := raw.(Client)
	if !fits {
		return none, fmt.Errorf("the plugin's %s is a %T", name, raw)
	}
	return client, nil
}
