//! Grafana's gRPC services, instances and resources.
