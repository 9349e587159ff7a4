// What a Node program does with Vault over plain fetch: LIST, encrypt and decrypt, key-value secrets.
const [address, token] = process.argv.slice(2);

async function vault(method, path, body) {
  const answer = await fetch(`${address}/v1/${path}`, {
    method,
    headers: { 'X-Vault-Token': token, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

const found = {};
await vault('POST', 'sys/mounts/node-transit', { type: 'transit' });
await vault('POST', 'node-transit/keys/orders');
found.keys = (await vault('LIST', 'node-transit/keys')).data.keys;
found.twin = (await vault('GET', 'node-transit/keys?list=true')).data.keys;
const plaintext = Buffer.from('four score').toString('base64');
const { ciphertext } = (await vault('POST', 'node-transit/encrypt/orders', { plaintext })).data;
const opened = (await vault('PUT', 'node-transit/decrypt/orders', { ciphertext })).data.plaintext;
found.plaintext = Buffer.from(opened, 'base64').toString();
await vault('POST', 'secret/data/app/db', { data: { password: 's3cr3t' } });
found.secret = (await vault('GET', 'secret/data/app/db')).data.data;
found.absent = await vault('GET', 'secret/data/app/none');
found.many = await Promise.all(
  Array.from({ length: 20 }, (_, i) => vault('LIST', 'secret/metadata/app').then((answer) => answer.data.keys[0])),
);
console.log(JSON.stringify(found));
