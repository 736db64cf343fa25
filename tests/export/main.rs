//! `pelorus export` as a process, by itself and against real stores: Prometheus and Thanos.

mod process;
mod real_prometheus;
mod real_thanos;
mod running;
mod work;
