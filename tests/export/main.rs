//! `pelorus export` as a process, by itself and against the real Prometheus.

mod process;
mod real_prometheus;
mod running;
mod work;
