//! What the admin port answers: a status that probes go by, and a body that tells people why.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::Pages;

/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const PATHS: &str = "/metrics\n/livez\n/readyz\n";

/// The body of a request is never read.
pub(super) fn to<B>(request: &Request<B>, pages: &Pages) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refusal = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET or HEAD\n".to_owned());
        refusal.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    match request.uri().path() {
        "/metrics" => {
            pages.registry.show_health(&pages.health);
            answer(StatusCode::OK, EXPOSITION, pages.registry.render())
        }
        "/livez" => {
            let stalls = pages.health.stalls();
            verdict(stalls.is_empty(), &json!({ "alive": stalls.is_empty(), "stalled": stalls }))
        }
        "/readyz" => {
            let reasons = pages.health.not_ready();
            verdict(reasons.is_empty(), &json!({ "ready": reasons.is_empty(), "reasons": reasons }))
        }
        _ => answer(StatusCode::NOT_FOUND, TEXT, PATHS.to_owned()),
    }
}

fn verdict(is_well: bool, body: &Value) -> Response<Full<Bytes>> {
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, JSON, format!("{body:#}\n"))
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
