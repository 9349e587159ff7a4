//! Gives each test an emulated Vault or OpenBao of its own, with faults, a clock and a journal.
//!
//! [`Kms::new`] starts `mockkms serve` once for all tests of a program, or uses the server at `MOCKKMS_URL`, and creates a tenant:
//! a world of its own below a path of the server. Everything else goes through the control API of that tenant.

mod http;
mod server;
#[cfg(feature = "tls")]
mod tls;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "tls")]
pub use rustls;
pub use serde_json::{json, Value};

use server::Server;

/// The world of one test, dropped with this value.
///
/// When it is dropped while the test panics, it prints the requests; otherwise it panics if a request was sent to a path that is
/// not emulated.
pub struct Kms {
    url: String,
    token: String,
    server: &'static Server,
    id: String,
    strict: bool,
}

/// What a world starts with; see [`Kms::builder`].
#[derive(Default)]
pub struct Builder {
    worlds: Vec<String>,
    lenient: bool,
}

impl Builder {
    /// Load a world in YAML (docs/worlds.md) over the server's. Later ones override earlier ones.
    pub fn world(mut self, yaml: &str) -> Self {
        self.worlds.push(yaml.to_string());
        self
    }

    /// Allow requests to paths that are not emulated.
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Create the world.
    pub fn start(self) -> Kms {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let server = server::shared();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let id = format!("rust-{}-{time}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let url = format!("{}/t/{id}", server.url);
        accepted(http::send(server, "POST", &format!("/_mockkms/tenants/{id}"), Some(&json!({}))));
        let mut kms = Kms { url, token: String::new(), server, id, strict: !self.lenient };
        if !self.worlds.is_empty() {
            kms.control("POST", "world", Some(json!({"worlds": self.worlds})));
        }
        kms.token = kms.control("GET", "state", None)["token"].as_str().unwrap_or_default().to_string();
        kms
    }
}

impl Default for Kms {
    fn default() -> Self {
        Self::new()
    }
}

impl Kms {
    /// A world as the server's.
    pub fn new() -> Self {
        Self::builder().start()
    }

    /// A world that starts with more: `Kms::builder().world(yaml).start()`.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address for clients: the value of `VAULT_ADDR`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The root token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A PEM file with the server's CA certificate: the value of `VAULT_CACERT`. Empty without TLS.
    pub fn ca_file(&self) -> &str {
        &self.server.ca_file
    }

    /// The settings of a TLS client that trusts the server. Panics without TLS.
    #[cfg(feature = "tls")]
    pub fn tls_config(&self) -> std::sync::Arc<rustls::ClientConfig> {
        tls::config(self.ca_file()).unwrap_or_else(|error| panic!("mockkms: {error}"))
    }

    /// The environment of a program that uses this world; for [`std::process::Command::envs`].
    pub fn environment(&self) -> Vec<(&'static str, &str)> {
        let (url, token, ca_file) = (self.url(), self.token(), self.ca_file());
        let mut variables = vec![("VAULT_ADDR", url), ("VAULT_TOKEN", token), ("BAO_ADDR", url), ("BAO_TOKEN", token)];
        if !ca_file.is_empty() {
            variables.extend([("VAULT_CACERT", ca_file), ("BAO_CACERT", ca_file)]);
        }
        variables
    }

    /// Add a fault rule, with the keys of docs/faults.md. Returns its id.
    pub fn add_fault(&self, rule: Value) -> String {
        self.control("POST", "faults", Some(rule))["id"].as_str().unwrap_or_default().to_string()
    }

    /// Remove a rule.
    pub fn remove_fault(&self, id: &str) {
        self.control("DELETE", &format!("faults/{id}"), None);
    }

    /// How often a rule fired.
    pub fn fired(&self, id: &str) -> u64 {
        self.control("GET", &format!("faults/{id}"), None)["fired"].as_u64().unwrap_or_default()
    }

    /// Stop the clock as it is.
    pub fn freeze(&self) {
        self.control("POST", "clock", Some(json!({"freeze": true})));
    }

    /// Stop the clock at a time in RFC 3339, such as `2026-01-01T00:00:00Z`.
    pub fn freeze_at(&self, time: &str) {
        self.control("POST", "clock", Some(json!({"freeze": time})));
    }

    /// Move the clock forward: what expires in this time is expired afterwards.
    pub fn advance(&self, by: Duration) {
        self.control("POST", "clock", Some(json!({"advance": by.as_secs_f64()})));
    }

    /// The time of the world's clock, in RFC 3339.
    pub fn now(&self) -> String {
        self.control("GET", "clock", None)["now"].as_str().unwrap_or_default().to_string()
    }

    /// Seal the server, for this test alone.
    pub fn seal(&self) {
        self.control("POST", "state", Some(json!({"seal": true})));
    }

    /// Unseal it.
    pub fn unseal(&self) {
        self.control("POST", "state", Some(json!({"unseal": true})));
    }

    /// Save the world under a name.
    pub fn snapshot(&self, name: &str) {
        self.control("POST", &format!("snapshots/{name}"), None);
    }

    /// Return to a snapshot.
    pub fn restore(&self, name: &str) {
        self.control("POST", &format!("snapshots/{name}/restore"), None);
    }

    /// The requests that match, in their order: objects with method, path, operation, status, faults, headers, body, answer, …
    pub fn journal(&self, matching: Value) -> Vec<Value> {
        self.control("POST", "journal", Some(matching))["entries"].as_array().cloned().unwrap_or_default()
    }

    /// Panics unless a request matches; with `times` in the match, unless exactly so many do.
    #[track_caller]
    pub fn assert_called(&self, matching: Value) {
        self.control("POST", "journal/assert", Some(json!({"called": matching})));
    }

    /// Panics if a request matches.
    #[track_caller]
    pub fn assert_not_called(&self, matching: Value) {
        self.control("POST", "journal/assert", Some(json!({"not_called": matching})));
    }

    /// Panics unless requests match in this order.
    #[track_caller]
    pub fn assert_order(&self, matches: &[Value]) {
        self.control("POST", "journal/assert", Some(json!({"order": matches})));
    }

    /// Panics if a rule never fired.
    #[track_caller]
    pub fn assert_faults_fired(&self) {
        self.control("POST", "journal/assert", Some(json!({"faults_fired": true})));
    }

    /// Send any request of the control API (docs/control.md). Panics with the message of an error.
    #[track_caller]
    pub fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        accepted(self.send(method, path, body.as_ref()))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, String)> {
        http::send(self.server, method, &format!("/t/{}/_mockkms/{path}", self.id), body)
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        let unhandled = json!({"no_unhandled": true});
        let held = self.send("POST", "journal/assert", Some(&unhandled));
        let requests = self.send("GET", "journal?format=table", None);
        let _ = http::send(self.server, "DELETE", &format!("/_mockkms/tenants/{}", self.id), None);
        if std::thread::panicking() {
            if let Ok((_, table)) = requests {
                eprintln!("mockkms: requests of this test:\n{table}");
            }
        } else if self.strict {
            accepted(held);
        }
    }
}

/// The JSON of a response. Panics with its message if it is an error.
#[track_caller]
fn accepted(response: std::io::Result<(u16, String)>) -> Value {
    let (status, text) = response.unwrap_or_else(|error| panic!("mockkms: {error}"));
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    if status != 200 {
        let place = value["path"].as_str().map(|path| format!(" ({path})")).unwrap_or_default();
        panic!("mockkms: {}{place}", value["message"].as_str().unwrap_or(&text));
    }
    value
}
