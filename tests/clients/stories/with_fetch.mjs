// The story with Node's fetch, which trusts the certificates in NODE_EXTRA_CA_CERTS.
const base64 = (text) => Buffer.from(text).toString('base64');

async function vault(method, path, body, token = process.env.VAULT_TOKEN) {
  const headers = { 'X-Vault-Token': token };
  const response = await fetch(`${process.env.VAULT_ADDR}/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, data: (await response.json()).data };
}

await vault('POST', 'secret/data/app/db', { data: { password: 's3cr3t' } });
const { password } = (await vault('GET', 'secret/data/app/db')).data.data;
const absent = (await vault('GET', 'secret/data/app/none')).status;
const { ciphertext } = (await vault('POST', 'transit/encrypt/orders', { plaintext: base64('four score') })).data;
const opened = (await vault('POST', 'transit/decrypt/orders', { ciphertext })).data.plaintext;
const refused = (await vault('GET', 'secret/data/app/db', undefined, 'other')).status;
console.log(JSON.stringify({ password, absent, plaintext: Buffer.from(opened, 'base64').toString(), refused }));
