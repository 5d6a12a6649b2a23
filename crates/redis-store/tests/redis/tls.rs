//! `rediss://` with a private certificate authority. Built with the feature `tls`.

use std::process::{Command, Stdio};

use redis_store::{Finding, Servers, Settings};

use crate::fixtures::{acquired, checkpoint, dues, task, write};
use crate::server::{free_port, namespace, open, own_server};

/// A certificate for localhost that vouches for itself, and its key, in a folder.
fn certificate() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status();
    match made {
        Ok(status) if status.success() => Some(folder),
        _ => {
            println!("skipped: openssl is not installed");
            None
        }
    }
}

#[test]
fn a_server_is_reached_over_tls_and_one_with_a_foreign_certificate_is_not() {
    let Some(folder) = certificate() else { return };
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (cert, key, port) = (path("cert.pem"), path("key.pem"), free_port());
    let arguments = [
        ["--tls-port", &port.to_string()],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &cert],
        ["--tls-auth-clients", "no"],
    ];
    let Some(_server) = own_server(&arguments.concat()) else { return };
    let servers = Servers::Standalone(format!("rediss://localhost:{port}"));
    let trusted = Settings {
        root_certificates: std::fs::read(&cert).ok(),
        ..Settings::new(servers.clone(), namespace("tls"))
    };
    let mut store = open(trusted);
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    assert_eq!(dues(&mut store, &task()), [9]);
    let stranger = open(Settings::new(servers, namespace("tls")));
    let reports = pollster::block_on(stranger.check()).expect("one server is named");
    assert!(matches!(&reports[0].findings[..], [Finding::Unreachable(_)]), "{reports:?}");
}
