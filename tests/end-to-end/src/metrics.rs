//! What a process says of itself over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

const PATIENCE: Duration = Duration::from_secs(3);

/// The body of a page that is answered with 200.
pub fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("{path}: {status}: {body}");
    }
    Ok(body.to_owned())
}

/// The sum of a metric's series.
pub fn sum(page: &str, metric: &str) -> f64 {
    series(page, metric).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// The lines of a metric's series.
pub fn series<'a>(page: &'a str, metric: &'a str) -> impl Iterator<Item = &'a str> {
    page.lines().filter(move |line| {
        line.strip_prefix(metric).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_by_the_whole_name() {
        let page = "# HELP a_total x\na_total{l=\"1\"} 2\na_total{l=\"2\"} 3\na_total_more 100\na 7\n";
        assert_eq!(series(page, "a_total").count(), 2);
        assert_eq!(sum(page, "a_total"), 5.0);
    }
}
