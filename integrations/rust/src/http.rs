//! Requests over plain HTTP.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use serde_json::Value;

/// Send one request of the control API of the world at `url`; the status and the text of the response.
pub fn send(url: &str, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, String)> {
    let invalid = |text: &str| Error::new(ErrorKind::InvalidData, format!("{text} from {url}"));
    let rest = url.strip_prefix("http://").ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!("{url}: only http:// is supported"),
        )
    })?;
    let (host, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let body = body.map(Value::to_string).unwrap_or_default();
    let token = std::env::var("MOCKKMS_CONTROL_TOKEN")
        .map(|token| format!("X-Mockkms-Token: {token}\r\n"))
        .unwrap_or_default();
    let length = body.len();
    let mut stream = TcpStream::connect(host)?;
    stream.write_all(
        format!(
            "{method} {base}/_mockkms/{path} HTTP/1.1\r\nHost: {host}\r\n{token}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .as_bytes(),
    )?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let text = String::from_utf8_lossy(&response);
    let (head, content) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| invalid("no response"))?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| invalid("no status"))?;
    Ok((status, content.to_string()))
}
