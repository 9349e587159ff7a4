//! Requests over HTTP, and over HTTPS with the feature `tls`.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::server::Server;

trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// Connect to `host`, a name or address with a port. A server that is silent for `MOCKKMS_TIMEOUT` seconds is an error.
pub fn open(host: &str) -> Result<TcpStream> {
    let seconds = std::env::var("MOCKKMS_TIMEOUT").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(seconds)))?;
    stream.set_write_timeout(Some(Duration::from_secs(seconds)))?;
    Ok(stream)
}

/// Send one request of the control API of a world, such as `/t/one`, of a server; the status and the text of the response.
pub fn send(server: &Server, world: &str, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, String)> {
    let url = &server.url;
    let invalid = |text: &str| Error::new(ErrorKind::InvalidData, format!("{text} from {url}"));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let body = body.map(Value::to_string).unwrap_or_default();
    let token =
        std::env::var("MOCKKMS_CONTROL_TOKEN").map(|token| format!("X-Mockkms-Token: {token}\r\n")).unwrap_or_default();
    let length = body.len();
    let mut stream =
        connect(server, scheme, host).map_err(|error| Error::new(error.kind(), format!("{url}: {error}")))?;
    let late = |error: Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => invalid("no response within MOCKKMS_TIMEOUT seconds"),
        _ => error,
    };
    let request = format!(
        "{method} {base}{world}/_mockkms/{path} HTTP/1.1\r\nHost: {host}\r\n{token}Content-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    let mut response = Vec::new();
    stream.write_all(request.as_bytes()).map_err(late)?;
    stream.read_to_end(&mut response).map_err(late)?;
    let text = String::from_utf8_lossy(&response);
    let (head, content) = text.split_once("\r\n\r\n").ok_or_else(|| invalid("no response"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| invalid("no status"))?;
    Ok((status, content.to_string()))
}

#[cfg_attr(not(feature = "tls"), allow(unused_variables))]
fn connect(server: &Server, scheme: &str, host: &str) -> Result<Box<dyn Connection>> {
    match scheme {
        "http" => Ok(Box::new(open(host)?)),
        #[cfg(feature = "tls")]
        "https" => Ok(Box::new(crate::tls::connect(server, host)?)),
        #[cfg(not(feature = "tls"))]
        "https" => Err(Error::other("TLS needs the feature tls of mockkms-test (Cargo.toml: features = [\"tls\"])")),
        _ => Err(Error::other("the address of a server starts with http:// or https://")),
    }
}
