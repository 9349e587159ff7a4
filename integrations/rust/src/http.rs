//! Requests over HTTP, and over HTTPS with the feature `tls`.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

use crate::server::Server;

/// What `work` returns. It is left alone, and an error returned, after `MOCKKMS_TIMEOUT` seconds, by default 60.
pub fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let given = std::env::var("MOCKKMS_TIMEOUT").ok().filter(|text| !text.is_empty()).unwrap_or("60".into());
    let seconds = given.parse().ok().filter(|seconds| (0.001..=86400.0).contains(seconds));
    let refused = || Error::other(format!("MOCKKMS_TIMEOUT={given}: expected seconds, from 0.001 to 86400"));
    let limit = Duration::from_secs_f64(seconds.ok_or_else(refused)?);
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(work()));
    let late = |_| Err(Error::other(format!("no {what} within {limit:?} (MOCKKMS_TIMEOUT)")));
    receiver.recv_timeout(limit).unwrap_or_else(late)
}

/// Send a request for `target`, below the address of a server; the status and the text of the response.
#[cfg_attr(not(feature = "tls"), allow(unused_variables))]
pub fn send(server: &'static Server, method: &str, target: &str, body: Option<&Value>) -> Result<(u16, String)> {
    let url = &server.url;
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let body = body.map(Value::to_string).unwrap_or_default();
    let token =
        std::env::var("MOCKKMS_CONTROL_TOKEN").map(|token| format!("X-Mockkms-Token: {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {base}{target} HTTP/1.1\r\nHost: {host}\r\n{token}Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let response = in_time("response", move || match scheme {
        "http" => exchange(TcpStream::connect(host)?, &request),
        #[cfg(feature = "tls")]
        "https" => exchange(crate::tls::connect(server, host)?, &request),
        #[cfg(not(feature = "tls"))]
        "https" => Err(Error::other("TLS needs the feature tls of mockkms-test (Cargo.toml: features = [\"tls\"])")),
        _ => Err(Error::other("the address of a server starts with http:// or https://")),
    })
    .map_err(|error| Error::new(error.kind(), format!("{url}: {error}")))?;
    let invalid = |text: &str| Error::other(format!("{text} from {url}"));
    let text = String::from_utf8_lossy(&response);
    let (head, content) = text.split_once("\r\n\r\n").ok_or_else(|| invalid("no response"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| invalid("no status"))?;
    Ok((status, content.to_string()))
}

fn exchange(mut stream: impl Read + Write, request: &str) -> Result<Vec<u8>> {
    let mut response = Vec::new();
    stream.write_all(request.as_bytes())?;
    stream.read_to_end(&mut response)?;
    Ok(response)
}
