// The story with node-vault.
const connect = require('node-vault');

const status = (error) => error.response.statusCode;

async function main() {
  const options = { endpoint: process.env.VAULT_ADDR };
  const vault = connect({ ...options, token: process.env.VAULT_TOKEN });
  await vault.write('secret/data/app/db', { data: { password: 's3cr3t' } });
  const { password } = (await vault.read('secret/data/app/db')).data.data;
  const absent = await vault.read('secret/data/app/none').catch(status);
  const plain = Buffer.from('four score').toString('base64');
  const { ciphertext } = (await vault.write('transit/encrypt/orders', { plaintext: plain })).data;
  const opened = (await vault.write('transit/decrypt/orders', { ciphertext })).data.plaintext;
  const refused = await connect({ ...options, token: 'other' }).read('secret/data/app/db').catch(status);
  console.log(JSON.stringify({ password, absent, plaintext: Buffer.from(opened, 'base64').toString(), refused }));
}

main();
