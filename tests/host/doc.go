// Package host starts the plugin as Grafana does, with the libraries that Grafana uses, and asks it everything that
// Grafana can ask.
//
// The binary is named by PELORUS_BINARY; without it ../../target/debug/pelorus is taken.
package host
