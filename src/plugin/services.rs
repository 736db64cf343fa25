//! The gRPC services that Grafana calls, on tonic's codec alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::stream;
use prost::Message;
use tokio::sync::Notify;
use tonic::body::BoxBody;
use tonic::codec::ProstCodec;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tracing::Instrument;

use super::messages::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CollectMetricsRequest,
    CollectMetricsResponse, Empty, Exposition, QueryDataRequest,
};
use super::{Plugin, health, query, resources};

/// The largest request: what Go plugins take; tonic's 4 MiB are too few for large alert groups.
const LARGEST_REQUEST: usize = 16 << 20;

/// Answers queries.
#[derive(Clone)]
pub(super) struct Data(pub(super) Arc<Plugin>);

/// Checks health, and exposes metrics.
#[derive(Clone)]
pub(super) struct Diagnostics(pub(super) Arc<Plugin>);

/// Answers the editors.
#[derive(Clone)]
pub(super) struct Resource(pub(super) Arc<Plugin>);

/// Stops the process when go-plugin asks for it; without it go-plugin waits two seconds and kills.
#[derive(Clone)]
pub(super) struct Controller(pub(super) Arc<Notify>);

macro_rules! service {
    ($service:ident $name:literal { $($path:literal => $call:expr,)* }) => {
        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl Service<http::Request<BoxBody>> for $service {
            type Response = http::Response<BoxBody>;
            type Error = Infallible;
            type Future = BoxFuture<Self::Response, Infallible>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<BoxBody>) -> Self::Future {
                let service = self.clone();
                match request.uri().path() {
                    $(concat!("/", $name, "/", $path) => {
                        let call: fn($service, http::Request<BoxBody>) -> _ = $call;
                        Box::pin(call(service, request))
                    })*
                    _ => Box::pin(async { Ok(Status::unimplemented("").into_http()) }),
                }
            }
        }
    };
}

service!(Data "pluginv2.Data" {
    "QueryData" => |Data(plugin), request| unary(request, move |request: QueryDataRequest| async move {
        query::query_data(&plugin, request).await
    }),
});
service!(Diagnostics "pluginv2.Diagnostics" {
    "CheckHealth" => |Diagnostics(plugin), request| unary(request, move |request: CheckHealthRequest| async move {
        health::check_health(&plugin, request).await
    }),
    "CollectMetrics" => |Diagnostics(plugin), request| unary(request, move |_: CollectMetricsRequest| async move {
        collect_metrics(plugin).await
    }),
});
service!(Resource "pluginv2.Resource" {
    "CallResource" => |Resource(plugin), request| streaming(request, plugin),
});
service!(Controller "plugin.GRPCController" {
    "Shutdown" => |Controller(stop), request| unary(request, move |_: Empty| async move {
        stop.notify_one();
        Empty {}
    }),
});

async fn collect_metrics(plugin: Arc<Plugin>) -> CollectMetricsResponse {
    // Counting the events of sources reads the ledger.
    let exposed =
        tokio::task::spawn_blocking(move || plugin.metrics.expose(&plugin.instances)).await;
    CollectMetricsResponse {
        metrics: exposed.ok().map(|text| Exposition {
            // A panic while counting was logged by the hook; Grafana then sees no metrics.
            prometheus: text.into_bytes(),
        }),
    }
}

fn codec<Sent: Message + 'static, Received: Message + Default + 'static>()
-> Grpc<ProstCodec<Sent, Received>> {
    Grpc::new(ProstCodec::default())
        .max_decoding_message_size(LARGEST_REQUEST)
        .max_encoding_message_size(usize::MAX)
}

async fn unary<Received, Sent, Answering>(
    request: http::Request<BoxBody>,
    answer: impl FnOnce(Received) -> Answering + Send + 'static,
) -> Result<http::Response<BoxBody>, Infallible>
where
    Received: Message + Default + 'static,
    Sent: Message + 'static,
    Answering: Future<Output = Sent> + Send + 'static,
{
    Ok(codec().unary(Unary(Some(answer)), request).await)
}

struct Unary<Answer>(Option<Answer>);

impl<Answer, Received, Sent, Answering> UnaryService<Received> for Unary<Answer>
where
    Answer: FnOnce(Received) -> Answering,
    Received: Send + 'static,
    Sent: Send + 'static,
    Answering: Future<Output = Sent> + Send + 'static,
{
    type Response = Sent;
    type Future = BoxFuture<Response<Sent>, Status>;

    fn call(&mut self, request: Request<Received>) -> Self::Future {
        let span = span(&request);
        let answering = self.0.take().map(|answer| answer(request.into_inner()));
        Box::pin(
            async move {
                match answering {
                    Some(answering) => Ok(Response::new(answering.await)),
                    None => Err(Status::internal("a call was made twice")),
                }
            }
            .instrument(span),
        )
    }
}

async fn streaming(
    request: http::Request<BoxBody>,
    plugin: Arc<Plugin>,
) -> Result<http::Response<BoxBody>, Infallible> {
    Ok(codec().server_streaming(Streaming(plugin), request).await)
}

struct Streaming(Arc<Plugin>);

impl ServerStreamingService<CallResourceRequest> for Streaming {
    type Response = CallResourceResponse;
    type ResponseStream = stream::Iter<std::option::IntoIter<Result<CallResourceResponse, Status>>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<CallResourceRequest>) -> Self::Future {
        let span = span(&request);
        let plugin = Arc::clone(&self.0);
        Box::pin(
            async move {
                let response = resources::call(&plugin, request.into_inner()).await;
                Ok(Response::new(stream::iter(Some(Ok(response)))))
            }
            .instrument(span),
        )
    }
}

/// The span of a call, with the trace that it belongs to.
fn span<T>(request: &Request<T>) -> tracing::Span {
    let parent = request.metadata().get("traceparent");
    let trace_id = parent.and_then(|parent| trace_id(parent.to_str().ok()?));
    tracing::info_span!("call", traceID = trace_id.unwrap_or(""))
}

/// The trace's id in a `traceparent` header (`00-<32 hex>-<16 hex>-<2 hex>`).
///
/// Source: W3C Trace Context, section 3.2.
fn trace_id(parent: &str) -> Option<&str> {
    let id = parent.split('-').nth(1)?;
    let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (id.len() == 32 && is_hex).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_known_by_the_second_part_of_its_header() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        for odd in [
            "",
            "00",
            "00-short-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473\"-a-b",
        ] {
            assert_eq!(trace_id(odd), None);
        }
    }
}
