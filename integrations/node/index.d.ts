/** A fault rule, with the keys of docs/faults.md. */
export type Rule = Record<string, unknown>;
/** Selects requests of the journal, with the keys of a rule's match; `times` in assertions. */
export type Match = Record<string, unknown>;

/** A request in the journal. */
export interface Entry {
  number: number;
  method: string;
  path: string;
  operation: string;
  status: number;
  denied: boolean;
  unhandled: boolean;
  faults: string[];
  headers: Record<string, string>;
  body: string;
  answer: string;
  [more: string]: unknown;
}

export class MockKMSError extends Error {}

export class KMS {
  constructor(url: string, caFile?: string);
  readonly url: string;
  readonly token: string;
  readonly caFile: string;
  control(method: string, path: string, body?: unknown): Promise<any>;
  addFault(rule: Rule): Promise<string>;
  removeFault(id: string): Promise<void>;
  fired(id: string): Promise<number>;
  freeze(at?: Date | string): Promise<void>;
  advance(by: number | string): Promise<void>;
  resume(): Promise<void>;
  now(): Promise<Date>;
  seal(): Promise<void>;
  unseal(): Promise<void>;
  snapshot(name: string): Promise<void>;
  restore(name: string): Promise<void>;
  journal(match?: Match): Promise<Entry[]>;
  table(): Promise<string>;
  assertCalled(match: Match): Promise<void>;
  assertNotCalled(match: Match): Promise<void>;
  assertOrder(...matches: Match[]): Promise<void>;
  assertFaultsFired(): Promise<void>;
  assertNoUnhandled(): Promise<void>;
  environment(): Record<string, string>;
  setEnvironment(): void;
  restoreEnvironment(): void;
}

export class Tenant extends KMS {
  close(): Promise<void>;
}

export class Server extends KMS {
  tenant(options?: { world?: string | string[] }): Promise<Tenant>;
  stop(): Promise<void>;
}

export function start(...flags: string[]): Promise<Server>;

type Hook = (run: (...parameters: any[]) => Promise<void>) => unknown;

export function useMockKMS(
  hooks: { beforeAll?: Hook; before?: Hook; afterAll?: Hook; after?: Hook; beforeEach: Hook; afterEach: Hook },
  options?: { flags?: string[]; world?: string | string[]; strict?: boolean; env?: boolean },
): Tenant;
