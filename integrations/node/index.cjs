// Gives each test an emulated Vault or OpenBao of its own, with faults, a clock and a journal.
//
// start() runs `mockkms serve`, or uses the server at MOCKKMS_URL; tenant() creates a world of its own below a path of the
// server. Everything else goes through the control API of that tenant.
"use strict";

const { spawn } = require("node:child_process");
const { randomUUID } = require("node:crypto");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const https = require("node:https");

/** A request of the control API that was refused, or an assertion on the journal that does not hold. */
class MockKMSError extends Error {
  name = "MockKMSError";
}

/** How many seconds to wait for a server. */
function limit() {
  const given = process.env.MOCKKMS_TIMEOUT || "60";
  const seconds = Number(given);
  if (seconds >= 0.001 && seconds <= 86400) return seconds;
  throw new MockKMSError(`MOCKKMS_TIMEOUT=${given}: expected seconds, from 0.001 to 86400`);
}

/** Send one request without a connection that outlives it; returns the status and the text of the response. */
function send(method, url, ca, body) {
  const { request } = url.startsWith("https:") ? https : http;
  const headers = {};
  if (process.env.MOCKKMS_CONTROL_TOKEN) headers["X-Mockkms-Token"] = process.env.MOCKKMS_CONTROL_TOKEN;
  const seconds = limit();
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ca, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    sent.on("error", reject);
    const late = setTimeout(() => {
      reject(new MockKMSError(`${url}: no response within ${seconds} s (MOCKKMS_TIMEOUT)`));
      sent.destroy();
    }, seconds * 1000);
    sent.on("close", () => clearTimeout(late));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A world below `url`, with the control API's requests as methods. */
class KMS {
  /** The root token. */
  token = "";
  #ca;
  #environment = new Map();

  constructor(url, caFile = "") {
    /** The address for clients: the value of VAULT_ADDR. */
    this.url = url.replace(/\/+$/, "");
    /** A file with the CA certificate in PEM, for VAULT_CACERT; empty without TLS. */
    this.caFile = caFile;
    this.#ca = caFile ? readFileSync(caFile) : undefined;
  }

  /** Send any request of the control API (docs/control.md); returns its JSON. */
  async control(method, path, body) {
    const { status, text } = await send(method, `${this.url}/_mockkms/${path}`, this.#ca, body);
    if (status === 200) return JSON.parse(text);
    let refused = { message: text };
    try {
      refused = JSON.parse(text);
    } catch {
      // A response that is not JSON is shown as it is.
    }
    throw new MockKMSError(refused.message + (refused.path ? ` (${refused.path})` : ""));
  }

  /** Add a fault rule, with the keys of docs/faults.md; returns its id. */
  async addFault(rule) {
    return (await this.control("POST", "faults", rule)).id;
  }

  /** Remove a rule. */
  async removeFault(id) {
    await this.control("DELETE", `faults/${encodeURIComponent(id)}`);
  }

  /** How often a rule fired. */
  async fired(id) {
    return (await this.control("GET", `faults/${encodeURIComponent(id)}`)).fired;
  }

  /** Stop the clock, at a time (a Date or RFC 3339 text) or as it is. */
  async freeze(at) {
    await this.control("POST", "clock", { freeze: at instanceof Date ? at.toISOString() : at ?? true });
  }

  /** Move the clock forward, by seconds or a duration such as "1h30m". */
  async advance(by) {
    await this.control("POST", "clock", { advance: by });
  }

  /** Let a frozen clock run again. */
  async resume() {
    await this.control("POST", "clock", { resume: true });
  }

  /** The time of the world's clock, a Date. */
  async now() {
    return new Date((await this.control("GET", "clock")).now);
  }

  /** Seal the server, in this world alone. */
  async seal() {
    await this.control("POST", "state", { seal: true });
  }

  async unseal() {
    await this.control("POST", "state", { unseal: true });
  }

  /** Save the world under a name. */
  async snapshot(name) {
    await this.control("POST", `snapshots/${encodeURIComponent(name)}`);
  }

  /** Return to a snapshot. */
  async restore(name) {
    await this.control("POST", `snapshots/${encodeURIComponent(name)}/restore`);
  }

  /** The requests that match, in their order. */
  async journal(match = {}) {
    return (await this.control("POST", "journal", match)).entries;
  }

  /** The requests as a table in text. */
  async table() {
    return (await send("GET", `${this.url}/_mockkms/journal?format=table`, this.#ca)).text;
  }

  /** Throws unless a request matches; with `times` in the match, unless exactly so many do. */
  async assertCalled(match) {
    await this.control("POST", "journal/assert", { called: match });
  }

  /** Throws if a request matches. */
  async assertNotCalled(match) {
    await this.control("POST", "journal/assert", { not_called: match });
  }

  /** Throws unless requests match in this order. */
  async assertOrder(...matches) {
    await this.control("POST", "journal/assert", { order: matches });
  }

  /** Throws if a rule never fired. */
  async assertFaultsFired() {
    await this.control("POST", "journal/assert", { faults_fired: true });
  }

  /** Throws if a request was sent to a path that is not emulated. */
  async assertNoUnhandled() {
    await this.control("POST", "journal/assert", { no_unhandled: true });
  }

  /** The environment of a program that uses this world. */
  environment() {
    const values = { ADDR: this.url, TOKEN: this.token, ...(this.caFile && { CACERT: this.caFile }) };
    const prefixed = (prefix) => Object.entries(values).map(([name, value]) => [prefix + name, value]);
    return Object.fromEntries([...prefixed("VAULT_"), ...prefixed("BAO_")]);
  }

  /** Set these variables in this process, until restoreEnvironment(). */
  setEnvironment() {
    for (const [name, value] of Object.entries(this.environment())) {
      if (!this.#environment.has(name)) this.#environment.set(name, process.env[name]);
      process.env[name] = value;
    }
  }

  restoreEnvironment() {
    for (const [name, value] of this.#environment) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    this.#environment.clear();
  }
}

/** A running server. */
class Server extends KMS {
  #process;

  constructor(url, caFile, child) {
    super(url, caFile);
    this.#process = child;
  }

  /** Create a world of its own, as the server's baseline or with worlds in YAML loaded over it. */
  async tenant({ world = [] } = {}) {
    const id = `node-${randomUUID()}`;
    await this.control("POST", `tenants/${id}`, {});
    const tenant = new Tenant(`${this.url}/t/${id}`, this.caFile, () => this.control("DELETE", `tenants/${id}`));
    const worlds = [world].flat();
    if (worlds.length) await tenant.control("POST", "world", { worlds });
    tenant.token = (await tenant.control("GET", "state")).token;
    return tenant;
  }

  /** Stop the server, if start() started it. */
  async stop() {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const late = setTimeout(() => {
      console.error("mockkms: the server did not stop within 10 s and was killed");
      child.kill("SIGKILL");
    }, 10_000);
    child.ref();
    child.stdin.end();
    await ended;
    clearTimeout(late);
  }
}

/** The world of one test. */
class Tenant extends KMS {
  #drop;

  constructor(url, caFile, drop) {
    super(url, caFile);
    this.#drop = drop;
  }

  /** Restore the environment and drop the world; await using does so too. */
  async close() {
    this.restoreEnvironment();
    await this.#drop().catch(() => {}); // The server drops the oldest of many by itself.
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.close();
  }
}

/** Use the server at MOCKKMS_URL, or start one with flags of `mockkms serve`. It ends with this process. */
async function start(...flags) {
  const url = process.env.MOCKKMS_URL;
  if (url) return new Server(url, process.env.MOCKKMS_CACERT);
  const [command, ...before] = (process.env.MOCKKMS_COMMAND || "mockkms").split(/\s+/);
  const own = ["serve", "--port", "0", "--stop-on-eof", "--log-format", "json"];
  const seconds = limit();
  const child = spawn(command, [...before, ...own, ...flags], { stdio: "pipe" });
  const { url: address, ca_file: caFile } = await ready(child, command, seconds);
  return new Server(address, caFile, child);
}

/** Wait for the first line, which is written once the server listens and says where; returns its JSON. */
async function ready(child, command, seconds) {
  let late, output = "", errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  try {
    return await new Promise((resolve, reject) => {
      const failed = (reason) => reject(new MockKMSError(`${command} did not start${reason}: ${errors}`));
      late = setTimeout(failed, seconds * 1000, `, silent for ${seconds} s (MOCKKMS_TIMEOUT)`);
      child.once("error", (error) => failed(` (${error.message}; pip install mockkms, or set MOCKKMS_COMMAND or MOCKKMS_URL)`));
      child.once("close", () => failed(""));
      child.stdout.on("data", (chunk) => {
        output += chunk;
        if (output.includes("\n")) resolve(output.split("\n")[0]);
      });
    }).then(JSON.parse);
  } catch (error) {
    child.kill("SIGKILL");
    throw error instanceof SyntaxError ? new MockKMSError(`${command} did not start: ${error.message}`) : error;
  } finally {
    clearTimeout(late);
    // What it writes from now on is read, so that it does not block, and not kept.
    for (const output of [child.stdout, child.stderr]) output.removeAllListeners("data").resume();
    // Neither the process nor its pipes keep this process alive.
    for (const part of [child, child.stdin, child.stdout, child.stderr]) part.unref();
  }
}

/**
 * Use one server for the tests of a file and a new world for each test, which is what the returned object stands for.
 *
 * `hooks` are those of the framework: beforeAll, afterAll, beforeEach and afterEach of Vitest or Jest, before, after, … of
 * node:test. Options: `flags` of `mockkms serve`, `world` in YAML, `strict: false` to allow paths that are not emulated,
 * `env: true` to set VAULT_ADDR, VAULT_TOKEN, … for each test. A failed test prints its requests (node:test and Vitest).
 */
function useMockKMS(hooks, { flags = [], world = [], strict = true, env = false } = {}) {
  let server, current;
  (hooks.beforeAll ?? hooks.before)(async () => {
    server = await start(...flags);
  });
  (hooks.afterAll ?? hooks.after)(async () => {
    await server?.stop();
  });
  hooks.beforeEach(async () => {
    current = await server.tenant({ world });
    if (env) current.setEnvironment();
  });
  // Jest takes a parameter that is named for a callback.
  hooks.afterEach(async (...[context]) => {
    const used = current;
    current = undefined;
    if (!used) return;
    try {
      const failed = context?.passed === false || context?.task?.result?.state === "fail";
      if (failed) console.error(`mockkms: requests of this test:\n${await used.table()}`);
      if (strict) await used.assertNoUnhandled();
    } finally {
      await used.close();
    }
  });
  return new Proxy({}, {
    get(_, name) {
      if (!current) throw new MockKMSError("the world exists during a test only");
      const value = current[name];
      return typeof value === "function" ? value.bind(current) : value;
    },
  });
}

module.exports = { KMS, MockKMSError, Server, Tenant, start, useMockKMS };
