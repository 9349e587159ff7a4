//! RustFS's own key management client, driven from standard input; configured by RustFS's environment variables.
//!
//! `rustfs-client guide NAME`: the Rust example of the usage guide (list, create, describe) and a data key, through the
//! global service. `rustfs-client steps`: one command a line (`list`, `create K`, `describe K`, `rotate K`, `disable K`,
//! `datakey K`, `decrypt`), one JSON object as the answer to each, through the backend alone, without the service's own background calls.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use rustfs_kms::backends::KmsBackend as Backend;
use rustfs_kms::backends::vault::VaultKmsBackend;
use rustfs_kms::backends::vault_transit::VaultTransitKmsBackend;
use rustfs_kms::{
    CreateKeyRequest, DecryptRequest, DescribeKeyRequest, GenerateDataKeyRequest, KeySpec, KeyUsage, KmsConfig, KmsError,
    ListKeysRequest, Result, get_global_kms_service_manager, init_global_kms_service_manager,
};
use serde_json::{Value, json};

fn creation(name: &str) -> CreateKeyRequest {
    CreateKeyRequest { key_name: Some(name.to_string()), key_usage: KeyUsage::EncryptDecrypt, ..Default::default() }
}

fn data_key(name: &str) -> GenerateDataKeyRequest {
    let context = HashMap::from([("bucket".to_string(), "bucket/object".to_string())]);
    GenerateDataKeyRequest { key_id: name.to_string(), key_spec: KeySpec::Aes256, encryption_context: context }
}

fn opening(ciphertext: &[u8]) -> DecryptRequest {
    let context = HashMap::from([("bucket".to_string(), "bucket/object".to_string())]);
    DecryptRequest { ciphertext: ciphertext.to_vec(), encryption_context: context, grant_tokens: Vec::new() }
}

async fn guide(name: &str) -> Result<Value> {
    let service = init_global_kms_service_manager();
    service.configure(KmsConfig::from_env()?).await?;
    service.start().await?;
    let manager = get_global_kms_service_manager().expect("initialised").get_manager().await.expect("started");
    let before = manager.list_keys(ListKeysRequest::default()).await?.keys.iter().any(|key| key.key_id == name);
    let created = manager.create_key(creation(name)).await?;
    let described = manager.describe_key(DescribeKeyRequest { key_id: name.to_string() }).await?.key_metadata;
    let listed = manager.list_keys(ListKeysRequest::default()).await?.keys.iter().any(|key| key.key_id == name);
    let made = manager.generate_data_key(data_key(name)).await?;
    let opened = manager.decrypt(opening(&made.ciphertext_blob)).await?;
    let healthy = manager.health_check().await?;
    service.stop().await?;
    Ok(json!({
        "before": before, "created": created.key_id, "described": described.key_id, "state": format!("{:?}", described.key_state),
        "listed": listed, "length": made.plaintext_key.len(), "opened": opened.plaintext == made.plaintext_key, "healthy": healthy,
    }))
}

struct Steps {
    backend: Box<dyn Backend>,
    /// The data key made last: plaintext and ciphertext.
    last: Option<(Vec<u8>, Vec<u8>)>,
}

impl Steps {
    async fn new(config: KmsConfig) -> Result<Self> {
        let backend: Box<dyn Backend> = match config.backend {
            rustfs_kms::KmsBackend::VaultTransit => Box::new(VaultTransitKmsBackend::new(config).await?),
            _ => Box::new(VaultKmsBackend::new(config).await?),
        };
        Ok(Self { backend, last: None })
    }

    async fn step(&mut self, word: &str, name: &str) -> Result<Value> {
        match word {
            "list" => {
                let found = self.backend.list_keys(ListKeysRequest::default()).await?;
                Ok(json!(found.keys.iter().map(|key| key.key_id.clone()).collect::<Vec<_>>()))
            }
            "create" => Ok(json!(self.backend.create_key(creation(name)).await?.key_id)),
            "describe" => {
                let found = self.backend.describe_key(DescribeKeyRequest { key_id: name.to_string() }).await?;
                Ok(json!(format!("{:?}", found.key_metadata.key_state)))
            }
            "rotate" => Ok(json!(self.backend.rotate_key(name).await?)),
            "disable" => Ok(json!(self.backend.disable_key(name).await?)),
            "datakey" => {
                let made = self.backend.generate_data_key(data_key(name)).await?;
                let length = made.plaintext_key.len();
                self.last = Some((made.plaintext_key.clone(), made.ciphertext_blob.clone()));
                Ok(json!(length))
            }
            "decrypt" => {
                let (plain, sealed) = self.last.clone().expect("a data key was made");
                Ok(json!(self.backend.decrypt(opening(&sealed)).await?.plaintext == plain))
            }
            _ => panic!("unknown command {word}"),
        }
    }
}

fn shown(result: Result<Value>) -> Value {
    match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => json!({"error": kind(&error), "message": error.to_string()}),
    }
}

/// The name of an error's variant.
fn kind(error: &KmsError) -> String {
    format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words[1] == "guide" {
        println!("{}", shown(guide(&words[2]).await));
        return;
    }
    let made = match KmsConfig::from_env() {
        Ok(config) => Steps::new(config).await,
        Err(error) => Err(error),
    };
    let mut steps = match made {
        Ok(steps) => steps,
        Err(error) => return println!("{}", shown(Err(error))),
    };
    println!("{}", json!({"ok": "ready"}));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (word, name) = line.split_once(' ').unwrap_or((&line, ""));
        println!("{}", shown(steps.step(word, name).await));
        std::io::stdout().flush().expect("standard output");
    }
}
