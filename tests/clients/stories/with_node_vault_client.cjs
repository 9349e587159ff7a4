// The story with node-vault-client. It looks its token up before it uses it, so the token that is refused is a valid one.
const VaultClient = require('node-vault-client');

const connect = (token) =>
  new VaultClient({ api: { url: process.env.VAULT_ADDR }, auth: { type: 'token', config: { token } }, logger: false });
const status = (error) => error.statusCode;

async function main() {
  const vault = connect(process.env.VAULT_TOKEN);
  await vault.write('secret/data/app/db', { data: { password: 's3cr3t' } });
  const { password } = (await vault.read('secret/data/app/db')).getValue('data');
  const absent = await vault.read('secret/data/app/none').catch(status);
  const plain = Buffer.from('four score').toString('base64');
  const { ciphertext } = (await vault.write('transit/encrypt/orders', { plaintext: plain })).data;
  const opened = (await vault.write('transit/decrypt/orders', { ciphertext })).data.plaintext;
  const { client_token } = (await vault.write('auth/token/create', { policies: ['default'] })).auth;
  const other = connect(client_token);
  const refused = await other.read('secret/data/app/db').catch(status);
  console.log(JSON.stringify({ password, absent, plaintext: Buffer.from(opened, 'base64').toString(), refused }));
  process.exit(); // Its timer for the renewal of the token would keep the process.
}

main();
