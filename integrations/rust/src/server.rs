//! The server of all tests of a program.

use std::io::{copy, sink, Error};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Deserializer, Value};

use crate::http::in_time;

/// A running server.
pub struct Server {
    pub url: String,
    /// A PEM file with the CA certificate; empty without TLS.
    pub ca_file: String,
}

/// That of `MOCKKMS_URL`, or one that is started at the first call.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
    let found = SHARED.get_or_init(|| match std::env::var("MOCKKMS_URL") {
        Ok(url) => Ok(Server {
            url: url.trim_end_matches('/').to_string(),
            ca_file: std::env::var("MOCKKMS_CACERT").unwrap_or_default(),
        }),
        Err(_) => {
            start().map_err(|error| format!("{error} (pip install mockkms, or set MOCKKMS_COMMAND or MOCKKMS_URL)"))
        }
    });
    found.as_ref().unwrap_or_else(|error| panic!("mockkms: {error}"))
}

/// Run `MOCKKMS_COMMAND` (default: mockkms) with the flags in `MOCKKMS_FLAGS`, until this process ends: the server stops with its
/// standard input.
fn start() -> Result<Server, Box<dyn std::error::Error>> {
    static SERVER: OnceLock<Child> = OnceLock::new();
    let line = std::env::var("MOCKKMS_COMMAND").unwrap_or_else(|_| "mockkms".into());
    let flags = std::env::var("MOCKKMS_FLAGS").unwrap_or_default();
    let mut words = line.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or("mockkms"))
        .args(words)
        .args(["serve", "--port", "0", "--stop-on-eof"])
        .args(flags.split_whitespace())
        .args(["--log-format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {line}: {error}"))?;
    let mut output = child.stdout.take().ok_or("no standard output")?;
    let told = in_time("address", move || {
        // The first line is written once the server listens, and says where.
        let line = Deserializer::from_reader(&mut output).into_iter::<Value>().next().transpose();
        std::thread::spawn(move || copy(&mut output, &mut sink()));
        line?.ok_or_else(|| Error::other("its message is above"))
    });
    let ready = told.map_err(|error| {
        let _ = child.kill().and_then(|()| child.wait());
        format!("{line} did not start: {error}")
    })?;
    let _ = SERVER.set(child);
    let url = ready["url"].as_str().ok_or_else(|| format!("no address in {ready}"))?;
    Ok(Server { url: url.to_string(), ca_file: ready["ca_file"].as_str().unwrap_or_default().to_string() })
}
