//! Grafana's plugin protocol, version 2: the messages of the four calls that we answer.
//!
//! Source: `proto/backend.proto` of grafana-plugin-sdk-go v0.297. Unknown fields are dropped, as protobuf has it.
//! What can hold secrets (settings, headers, bodies) has no `Debug` that shows them.

use std::collections::HashMap;
use std::fmt;

use prost::Message;

/// Who asks, for which data source.
#[derive(Clone, PartialEq, Message)]
#[allow(missing_docs)]
pub(super) struct PluginContext {
    #[prost(int64, tag = "1")]
    pub org_id: i64,
    #[prost(string, tag = "2")]
    pub plugin_id: String,
    #[prost(message, optional, tag = "3")]
    pub user: Option<User>,
    #[prost(message, optional, tag = "5")]
    pub data_source: Option<DataSourceSettings>,
    #[prost(map = "string, string", tag = "6")]
    pub grafana_config: HashMap<String, String>,
    #[prost(string, tag = "8")]
    pub user_agent: String,
    /// The tenant, where Grafana names it; else `org_id` does.
    #[prost(string, tag = "10")]
    pub namespace: String,
}

/// A signed-in user.
#[derive(Clone, PartialEq, Message)]
pub(super) struct User {
    /// `Admin`, `Editor`, `Viewer`, `None` or nothing.
    #[prost(string, tag = "4")]
    pub role: String,
}

/// The settings of a data source.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct DataSourceSettings {
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub url: String,
    #[prost(bytes = "vec", tag = "8")]
    pub json_data: Vec<u8>,
    #[prost(map = "string, string", tag = "9")]
    pub secure_json_data: HashMap<String, String>,
    #[prost(int64, tag = "10")]
    pub updated_ms: i64,
    #[prost(string, tag = "11")]
    pub uid: String,
}

impl fmt::Debug for DataSourceSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DataSourceSettings({})", self.uid)
    }
}

/// Several queries at once.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct QueryDataRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<PluginContext>,
    #[prost(map = "string, string", tag = "2")]
    pub headers: HashMap<String, String>,
    #[prost(message, repeated, tag = "3")]
    pub queries: Vec<DataQuery>,
}

/// One query.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DataQuery {
    #[prost(string, tag = "1")]
    pub ref_id: String,
    #[prost(message, optional, tag = "4")]
    pub time_range: Option<EpochRange>,
    #[prost(bytes = "vec", tag = "5")]
    pub json: Vec<u8>,
}

/// A range of time in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct EpochRange {
    #[prost(int64, tag = "1")]
    pub from_ms: i64,
    #[prost(int64, tag = "2")]
    pub to_ms: i64,
}

/// One answer a query.
#[derive(Clone, PartialEq, Message)]
pub(super) struct QueryDataResponse {
    #[prost(map = "string, message", tag = "1")]
    pub responses: HashMap<String, DataResponse>,
}

/// The frames of a query, or why there are none.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DataResponse {
    /// Each a complete Arrow IPC file.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub frames: Vec<Vec<u8>>,
    #[prost(string, tag = "2")]
    pub error: String,
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// `plugin` or `downstream`.
    #[prost(string, tag = "5")]
    pub error_source: String,
}

/// *Save & test*.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct CheckHealthRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<PluginContext>,
}

/// Whether the settings work.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CheckHealthResponse {
    #[prost(enumeration = "HealthStatus", tag = "1")]
    pub status: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    /// A JSON object; Grafana fails on anything else.
    #[prost(bytes = "vec", tag = "3")]
    pub details: Vec<u8>,
}

/// How a health check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum HealthStatus {
    Unknown = 0,
    Ok = 1,
    Error = 2,
}

/// The metrics of the plugin's process are asked for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CollectMetricsRequest {}

/// The metrics of the plugin's process.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CollectMetricsResponse {
    #[prost(message, optional, tag = "1")]
    pub metrics: Option<Exposition>,
}

/// Prometheus' text format.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Exposition {
    #[prost(bytes = "vec", tag = "1")]
    pub prometheus: Vec<u8>,
}

/// A call of the plugin's own HTTP interface.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct CallResourceRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<PluginContext>,
    #[prost(string, tag = "2")]
    pub path: String,
    #[prost(string, tag = "3")]
    pub method: String,
    #[prost(bytes = "vec", tag = "6")]
    pub body: Vec<u8>,
}

/// A part of an HTTP answer; ours have one.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CallResourceResponse {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(map = "string, message", tag = "2")]
    pub headers: HashMap<String, HeaderValues>,
    #[prost(bytes = "vec", tag = "3")]
    pub body: Vec<u8>,
}

/// The values of a header.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HeaderValues {
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
}

/// Nothing, as go-plugin's controller takes and gives it.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Empty {}

macro_rules! opaque {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(stringify!($name))
            }
        }
    )* };
}
opaque!(QueryDataRequest CheckHealthRequest CallResourceRequest);
