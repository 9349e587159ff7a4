const baseUrl = 'http://localhost:9000/rustfs/admin/v3/kms';

// Configure KMS
const configData = {
  kms_type: 'vault',
  vault_address: 'https://vault.example.com:8200',
  vault_token: 'your-vault-token'
};

fetch(`${baseUrl}/configure`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(configData)
})
.then(response => response.json())
.then(data => console.log('Configure KMS:', data));

// Create key
fetch(`${baseUrl}/key/create?keyName=js-test-key`, { method: 'POST' })
.then(response => response.json())
.then(data => console.log('Created key:', data));

// List all keys
fetch(`${baseUrl}/key/list`)
.then(response => response.json())
.then(data => console.log('All keys:', data));
