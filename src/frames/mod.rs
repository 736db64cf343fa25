//! Answers → data frames: Arrow IPC bytes with Grafana's metadata (data plane contract, `typeVersion [0,1]`).
