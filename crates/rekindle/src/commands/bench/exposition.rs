//! The figures that a service shows of itself at `/metrics`.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// One answer of `/metrics`.
pub struct Exposition(String);

impl Exposition {
    /// Asks the admin port at `address`.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn fetch(address: &str) -> Result<Self> {
        let what = || format!("http://{address}/metrics does not answer");
        let mut stream = connect(address).with_context(what)?;
        stream.set_read_timeout(Some(LIMIT)).with_context(what)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
            .with_context(what)?;
        let mut text = String::new();
        stream.read_to_string(&mut text).with_context(what)?;
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if head.split(' ').nth(1) == Some("200") => Ok(Self(body.to_owned())),
            _ => bail!("http://{address}/metrics answers, but not with metrics"),
        }
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The sum over the series of a counter whose labels contain `label`, such as `outcome="event"`.
    pub fn sum(&self, metric: &str, label: &str) -> u64 {
        let of_label = self.series(metric).filter(|(labels, _)| labels.contains(label));
        of_label.map(|(_, value)| value).sum::<f64>() as u64
    }

    /// What a label says in each of a metric's series.
    pub fn labels<'a>(&'a self, metric: &str, label: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let start = format!("{label}=\"");
        self.series(metric).filter_map(move |(labels, _)| {
            let (_, after) = labels.split_once(&start)?;
            Some(after.split_once('"')?.0)
        })
    }

    /// The values of a metric's series.
    pub fn values(&self, metric: &str) -> impl Iterator<Item = f64> {
        self.series(metric).map(|(_, value)| value)
    }

    /// Labels and values.
    fn series<'a>(&'a self, metric: &str) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        let start = format!("{metric}{{");
        self.0.lines().filter_map(move |line| {
            let (labels, value) = line.strip_prefix(&start)?.rsplit_once("} ")?;
            Some((labels, value.trim().parse().ok()?))
        })
    }
}

/// Tries each address that the name has.
fn connect(address: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for found in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&found, LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_metric_and_label() {
        let text = "a_total{x=\"1\",y=\"} 7\"} 2\na_total{x=\"2\"} 40\na_total_more{x=\"1\"} 9\n# a_total{x=\"1\"} 5\n";
        let exposition = Exposition(text.to_owned());
        assert_eq!(exposition.sum("a_total", ""), 42);
        assert_eq!(exposition.sum("a_total", "x=\"1\""), 2);
        assert_eq!(exposition.values("a_total_more").collect::<Vec<_>>(), [9.0]);
        assert_eq!(exposition.labels("a_total", "x").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(exposition.labels("a_total", "y").collect::<Vec<_>>(), ["} 7"]);
    }
}
