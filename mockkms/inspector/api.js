// Requests to the control API of the server that this page comes from.

export const base = location.pathname.replace(/ui\/[^/]*$/, "");
/** The address for clients: for a tenant, with its prefix. */
export const address = location.origin + base.replace(/\/_mockkms\/$/, "");

const KEY = "mockkms control token";
let locked = () => {};

/** Call `handler` when the server asks for its control token. */
export function onLocked(handler) {
  locked = handler;
}

export function setToken(text) {
  sessionStorage.setItem(KEY, text);
}

function headers() {
  const token = sessionStorage.getItem(KEY);
  return token ? { "X-Mockkms-Token": token } : {};
}

async function send(method, path, body) {
  let response;
  try {
    response = await fetch(base + path, {
      method, headers: headers(), body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  if (response.status === 401) locked();
  if (response.ok) return response;
  const text = await response.text();
  let message = text;
  try {
    const found = JSON.parse(text);
    message = found.path ? `${found.path}: ${found.message}` : found.message;
  } catch { /* The text itself is the message. */ }
  throw new Error(message || `HTTP ${response.status}`);
}

export const ask = async (method, path, body) => (await send(method, path, body)).json();
export const text = async path => (await send("GET", path)).text();

/** Read the journal's events until `signal` aborts; `handle(name, data)` gets each. Raises an Error when it ends. */
export async function stream(after, signal, handle) {
  const response = await fetch(`${base}journal/stream?after=${after}`, { headers: headers(), signal });
  if (response.status === 401) locked();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The stream ended.");
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const name = /^event: (.*)$/m.exec(event);
      const data = /^data: (.*)$/m.exec(event);
      if (name && data) handle(name[1], JSON.parse(data[1]));
    }
  }
}
