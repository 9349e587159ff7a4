# The story with Vault's gem.
require "base64"
require "json"
require "vault"

Vault.address = ENV.fetch("VAULT_ADDR")
Vault.token = ENV.fetch("VAULT_TOKEN")

kv = Vault.kv("secret")
kv.write("app/db", password: "s3cr3t")
found = { password: kv.read("app/db").data[:password] }
found[:absent] = kv.read("app/none").nil? ? 404 : 200
sealed = Vault.logical.write("transit/encrypt/orders", plaintext: Base64.strict_encode64("four score"))
opened = Vault.logical.write("transit/decrypt/orders", ciphertext: sealed.data[:ciphertext])
found[:plaintext] = Base64.strict_decode64(opened.data[:plaintext])
begin
  Vault.with_token("other") { |other| other.kv("secret").read("app/db") }
rescue Vault::HTTPClientError => e
  found[:refused] = e.code
end
puts JSON.generate(found)
