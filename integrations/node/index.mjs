import mockkms from "./index.cjs";

export const { KMS, MockKMSError, Server, Tenant, start, useMockKMS } = mockkms;
