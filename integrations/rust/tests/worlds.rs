use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::Command;
use std::time::Duration;

use mockkms_test::{json, Kms};

/// Read a path with the root token; the status.
fn read(kms: &Kms, path: &str) -> u16 {
    let (scheme, rest) = kms.url().split_once("://").unwrap();
    let (host, base) = rest.split_once('/').unwrap();
    let stream = TcpStream::connect(host).unwrap();
    let token = kms.token();
    let request = format!(
        "GET /{base}/v1/{path} HTTP/1.1\r\nHost: {host}\r\nX-Vault-Token: {token}\r\nConnection: close\r\n\r\n"
    );
    let response = match scheme {
        "http" => exchange(stream, &request),
        _ => exchange_over_tls(kms, stream, &request),
    };
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[cfg(feature = "tls")]
fn exchange_over_tls(kms: &Kms, stream: TcpStream, request: &str) -> String {
    use mockkms_test::rustls::{ClientConnection, StreamOwned};
    let name = stream.peer_addr().unwrap().ip().into();
    exchange(StreamOwned::new(ClientConnection::new(kms.tls_config(), name).unwrap(), stream), request)
}

#[cfg(not(feature = "tls"))]
fn exchange_over_tls(kms: &Kms, _: TcpStream, _: &str) -> String {
    panic!("{}: no TLS", kms.url())
}

/// The message of a panic in `run`.
fn panics(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn worlds_are_separate() {
    let (one, two) = (Kms::new(), Kms::default());
    let id = one.add_fault(json!({"path": "secret/*", "answer": "sealed", "times": 1}));
    assert_eq!(read(&one, "secret/data/app"), 503);
    assert_eq!(read(&one, "secret/data/app"), 404);
    assert_eq!(read(&two, "secret/data/app"), 404);
    assert_eq!(one.fired(&id), 1);
    let entries = one.journal(json!({}));
    assert_eq!((entries.len(), &entries[0]["status"], &entries[0]["faults"]), (2, &json!(503), &json!([id])));
    assert_eq!(two.journal(json!({"status": 404})).len(), 1);
    one.remove_fault(&id);
    one.assert_not_called(json!({"path": "transit/*"}));
    one.assert_order(&[json!({"status": 503}), json!({"status": 404})]);
}

#[test]
fn clock_seal_and_snapshots() {
    let kms = Kms::builder().world("vault: {root_token: other}").start();
    assert_eq!(kms.token(), "other");
    kms.freeze_at("2026-01-01T00:00:00Z");
    kms.snapshot("before");
    kms.advance(Duration::from_secs(5400));
    assert_eq!(kms.now(), "2026-01-01T01:30:00Z");
    kms.seal();
    assert_eq!(read(&kms, "secret/data/app"), 503);
    kms.unseal();
    kms.restore("before");
    kms.freeze();
    assert_eq!(kms.now(), "2026-01-01T00:00:00Z");
}

#[test]
fn a_failed_assertion_says_why() {
    let kms = Kms::new();
    let message = panics(|| kms.assert_called(json!({"path": "secret/data/other"})));
    assert!(message.contains("at least once, got 0"), "{message}");
    let message = panics(|| drop(kms.add_fault(json!({"path": "secret/*", "answr": "sealed"}))));
    assert!(message.contains("answr"), "{message}");
}

#[test]
fn a_path_that_is_not_emulated_fails_the_test() {
    let message = panics(|| {
        read(&Kms::new(), "nowhere/x");
    });
    assert!(message.contains("nowhere/x"), "{message}");
    let lenient = Kms::builder().lenient().start();
    assert_eq!(read(&lenient, "nowhere/x"), 404);
}

#[test]
fn programs_get_the_address() {
    let kms = Kms::new();
    let shown = Command::new("sh")
        .args(["-c", "echo $VAULT_ADDR $BAO_TOKEN $VAULT_CACERT$BAO_CACERT"])
        .env_remove("VAULT_CACERT")
        .env_remove("BAO_CACERT")
        .envs(kms.environment())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(shown.stdout).unwrap().trim(),
        format!("{} {} {}", kms.url(), kms.token(), kms.ca_file().repeat(2)).trim()
    );
}

#[test]
fn addresses_have_the_scheme_of_the_server() {
    let kms = Kms::new();
    assert_eq!(kms.url().starts_with("https://"), !kms.ca_file().is_empty(), "{}", kms.url());
}

#[cfg(feature = "tls")]
#[test]
fn settings_of_tls_need_a_certificate() {
    let kms = Kms::new();
    if kms.ca_file().is_empty() {
        let message = panics(|| drop(kms.tls_config()));
        assert!(message.contains("cannot use the CA certificate"), "{message}");
    } else {
        assert!(std::fs::read_to_string(kms.ca_file()).unwrap().contains("BEGIN CERTIFICATE"));
    }
}
