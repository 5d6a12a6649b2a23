//! The admin port over real HTTP on loopback.

#![allow(clippy::disallowed_methods, reason = "the server runs in real time")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use telemetry::{AdminServer, Health, Registry};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn start(health: &Health) -> AdminServer {
    AdminServer::start(ANY_PORT, Registry::new("0.1.0"), health.clone()).expect("a free port can be bound")
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn send(server: &AdminServer, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(server.local_addr()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    stream.write_all(request).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers and closes");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

fn get(server: &AdminServer, path: &str) -> Answer {
    send(server, format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).expect("the body is JSON")
}

#[test]
fn metrics_are_served_in_the_text_format() {
    let server = start(&Health::new());
    let answer = get(&server, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    assert!(answer.body.contains("rekindle_build_info{version=\"0.1.0\"} 1\n"), "{}", answer.body);
}

#[test]
fn a_loop_that_stops_turning_is_named_until_it_is_finished_with() {
    let health = Health::new();
    let server = start(&health);
    health.component("ingest", "ingest-0", Duration::from_secs(600)).beat();
    assert_eq!(get(&server, "/livez").status, 200);
    let triggers = health.component("triggers", "triggers-0", Duration::ZERO);
    triggers.beat();
    std::thread::sleep(Duration::from_millis(5));
    let stalled = get(&server, "/livez");
    assert_eq!(stalled.status, 503);
    assert_eq!(json(&stalled)["stalled"].as_array().map(Vec::len), Some(1));
    assert_eq!(json(&stalled)["stalled"][0]["component"], "triggers-0");
    let stalled_now = |service: &str, value| format!("rekindle_stalled{{service=\"{service}\"}} {value}\n");
    let metrics = get(&server, "/metrics").body;
    assert!(
        metrics.contains(&stalled_now("triggers", 1)) && metrics.contains(&stalled_now("ingest", 0)),
        "{metrics}"
    );
    triggers.finish();
    assert_eq!(get(&server, "/livez").status, 200);
    let metrics = get(&server, "/metrics").body;
    assert!(!metrics.contains("rekindle_stalled{service=\"triggers\"}"), "nothing of it runs: {metrics}");
}

#[test]
fn readiness_names_every_reason_and_comes_when_none_is_left() {
    let health = Health::new();
    let server = start(&health);
    assert_eq!(json(&get(&server, "/readyz"))["reasons"][0]["reason"], "starting");
    let triggers = health.component("triggers", "triggers-0", Duration::from_secs(60));
    triggers.beat();
    triggers.set("catching_up", "20 records behind");
    triggers.set("halted", "partition 3: the state was made by other rules");
    let answer = get(&server, "/readyz");
    assert_eq!(answer.status, 503);
    let reasons = json(&answer)["reasons"].clone();
    let named: Vec<_> = reasons.as_array().expect("a list").iter().map(|found| &found["reason"]).collect();
    assert_eq!(named, ["catching_up", "halted"]);
    assert_eq!(reasons[1]["detail"], "partition 3: the state was made by other rules");
    triggers.clear("catching_up");
    triggers.clear("halted");
    let answer = get(&server, "/readyz");
    assert_eq!((answer.status, &json(&answer)["ready"]), (200, &Value::Bool(true)));
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = start(&Health::new());
    assert_eq!(get(&server, "/admin").status, 404);
    let answer = send(&server, b"POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}");
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
}

#[test]
fn a_head_request_has_no_body() {
    let server = start(&Health::new());
    let answer = send(&server, b"HEAD /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[test]
fn a_head_without_end_is_cut_off() {
    let server = start(&Health::new());
    let mut request = b"GET /metrics HTTP/1.1\r\nx: ".to_vec();
    request.extend(std::iter::repeat_n(b'a', 17 * 1024));
    assert_eq!(send(&server, &request).status, 431);
}

#[test]
fn those_who_say_nothing_are_sent_away_and_keep_nobody_out() {
    let server = start(&Health::new());
    let connect = || TcpStream::connect(server.local_addr()).expect("it listens");
    let mut silent: Vec<TcpStream> = (0..40).map(|_| connect()).collect();
    let began = Instant::now();
    assert_eq!(get(&server, "/livez").status, 200);
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    silent[0].set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out can be set");
    let mut rest = Vec::new();
    let ended = silent[0].read_to_end(&mut rest);
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}

#[test]
fn stopping_closes_the_port_within_its_bound() {
    let server = start(&Health::new());
    let address = server.local_addr();
    let _silent = TcpStream::connect(address).expect("it listens");
    assert_eq!(get(&server, "/livez").status, 200);
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let server = start(&Health::new());
    let second = AdminServer::start(server.local_addr(), Registry::new("0.1.0"), Health::new());
    assert_eq!(second.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
}
