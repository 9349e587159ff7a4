import assert from "node:assert";
import { readFileSync } from "node:fs";
import https from "node:https";
import http from "node:http";
import * as hooks from "node:test";
import { MockKMSError, start, useMockKMS } from "./index.mjs";

const { test } = hooks;
const flags = (process.env.TEST_FLAGS ?? "").split(" ").filter(Boolean);
const kms = useMockKMS(hooks, { flags });

/** Read a path with the root token; resolves to the status. */
function read(world, path) {
  const { get } = world.url.startsWith("https:") ? https : http;
  const options = { headers: { "X-Vault-Token": world.token }, ca: world.caFile && readFileSync(world.caFile), agent: false };
  return new Promise((resolve, reject) => {
    get(`${world.url}/v1/${path}`, options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    }).on("error", reject);
  });
}

test("faults and journal", async () => {
  const id = await kms.addFault({ path: "secret/*", answer: "sealed", times: 1 });
  assert.deepEqual([await read(kms, "secret/data/app"), await read(kms, "secret/data/app")], [503, 404]);
  assert.equal(await kms.fired(id), 1);
  const [first, second] = await kms.journal();
  assert.deepEqual([first.status, first.faults, second.path], [503, [id], "secret/data/app"]);
  await kms.removeFault(id);
  await kms.assertCalled({ path: "secret/data/app", times: 2 });
  await kms.assertNotCalled({ path: "transit/*" });
  await kms.assertOrder({ status: 503 }, { status: 404 });
  await assert.rejects(kms.assertCalled({ path: "secret/data/other" }), /at least once, got 0/);
  assert.match(await kms.table(), /503 .*secret\/data\/app/);
});

test("the next test has a new world", async () => {
  assert.deepEqual(await kms.journal(), []);
  await kms.freeze(new Date("2026-01-01T00:00:00Z"));
  await kms.snapshot("before");
  await kms.advance(5400);
  assert.equal((await kms.now()).toISOString(), "2026-01-01T01:30:00.000Z");
  await kms.restore("before");
  assert.equal((await kms.now()).toISOString(), "2026-01-01T00:00:00.000Z");
  await kms.resume();
  await kms.freeze();
  await kms.seal();
  assert.equal(await read(kms, "secret/data/app"), 503);
  await kms.unseal();
  assert.equal(await read(kms, "secret/data/app"), 404);
});

test("the environment is set and restored", async () => {
  process.env.VAULT_TOKEN = "mine";
  kms.setEnvironment();
  assert.deepEqual([process.env.VAULT_ADDR, process.env.BAO_TOKEN], [kms.url, kms.token]);
  kms.restoreEnvironment();
  assert.deepEqual([process.env.VAULT_TOKEN, process.env.BAO_TOKEN], ["mine", undefined]);
});

test("a bad rule says why", async () => {
  await assert.rejects(kms.addFault({ path: "secret/*", answr: "sealed" }), /answr/);
});

test("a path that is not emulated fails the test, unless it may", async () => {
  const after = { strict: [], lenient: [] };
  for (const [name, strict] of [["strict", true], ["lenient", false]]) {
    const steps = {};
    const fake = (kind) => (run) => (steps[kind] = run);
    const inner = useMockKMS(
      { beforeAll: fake("first"), afterAll: fake("last"), beforeEach: fake("before"), afterEach: fake("after") },
      { flags, strict, env: true, world: "vault: {root_token: other}" },
    );
    await steps.first();
    await steps.before();
    assert.deepEqual([inner.token, process.env.VAULT_TOKEN], ["other", "other"]);
    await read(inner, "nowhere/x");
    await steps.after().catch((error) => after[name].push(error));
    await steps.last();
    assert.throws(() => inner.url, /during a test only/);
  }
  assert.match(after.strict[0].message, /nowhere\/x/);
  assert.equal(after.lenient.length, 0);
});

test("worlds for tests at the same time", async () => {
  const server = await start(...flags);
  const [one, two] = await Promise.all([server.tenant(), server.tenant()]);
  await one.addFault({ answer: "sealed" });
  assert.deepEqual(await Promise.all([read(one, "secret/data/app"), read(two, "secret/data/app")]), [503, 404]);
  await one.close();
  await one.close();
  await server.stop();
  await server.stop();
});

test("a server that cannot start says why", async () => {
  await assert.rejects(start("--flavor", "valt"), (error) => error instanceof MockKMSError && /valt/.test(error.message));
});
