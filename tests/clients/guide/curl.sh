curl -X POST "http://localhost:9000/rustfs/admin/v3/kms/configure" \
  -H "Content-Type: application/json" \
  -d '{
    "kms_type": "vault",
    "vault_address": "https://vault.example.com:8200",
    "vault_token": "your-vault-token"
  }'

# Create key with specified name
curl -X POST "http://localhost:9000/rustfs/admin/v3/kms/key/create?keyName=my-encryption-key"

# Create key with auto-generated name
curl -X POST "http://localhost:9000/rustfs/admin/v3/kms/key/create"

curl "http://localhost:9000/rustfs/admin/v3/kms/key/status?keyName=my-encryption-key"

curl "http://localhost:9000/rustfs/admin/v3/kms/key/list"

curl -X PUT "http://localhost:9000/rustfs/admin/v3/kms/key/enable?keyName=my-encryption-key"

curl -X PUT "http://localhost:9000/rustfs/admin/v3/kms/key/disable?keyName=my-encryption-key"

curl "http://localhost:9000/rustfs/admin/v3/kms/status"
