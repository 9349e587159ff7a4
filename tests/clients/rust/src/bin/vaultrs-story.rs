//! The story with vaultrs, whose address, token and CA certificate come from the environment.

use std::collections::HashMap;

use serde_json::json;
use vaultrs::client::{VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;
use vaultrs::{kv2, transit};

fn status<T>(result: Result<T, ClientError>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(ClientError::APIError { code, .. }) => code,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::var("VAULT_ADDR")?;
    let client = VaultClient::new(VaultClientSettingsBuilder::default().address(&address).build()?)?;
    kv2::set(&client, "secret", "app/db", &HashMap::from([("password", "s3cr3t")])).await?;
    let secret: HashMap<String, String> = kv2::read(&client, "secret", "app/db").await?;
    let absent = status(kv2::read::<HashMap<String, String>>(&client, "secret", "app/none").await);
    let sealed = transit::data::encrypt(&client, "transit", "orders", "Zm91ciBzY29yZQ==", None).await?.ciphertext;
    let opened = transit::data::decrypt(&client, "transit", "orders", &sealed, None).await?.plaintext;
    assert_eq!(opened, "Zm91ciBzY29yZQ==");
    let other = VaultClient::new(VaultClientSettingsBuilder::default().address(&address).token("other").build()?)?;
    let refused = status(kv2::read::<HashMap<String, String>>(&other, "secret", "app/db").await);
    println!("{}", json!({"password": secret["password"], "absent": absent, "plaintext": "four score", "refused": refused}));
    Ok(())
}
