import { describe, expect, test } from "bun:test";
import type { ProviderConfig } from "../../../src/config/schema.ts";
import { replyHeaders, upstreamHeaders } from "../../../src/workers/upstream-headers.ts";

const provider: ProviderConfig = {
  name: "p",
  api: "anthropic",
  baseUrl: "http://127.0.0.1:1",
  apiKey: "provider-key",
  timeoutMs: 1,
  retries: 0,
  retryBudgetMs: 1,
  concurrency: 1,
  streamUsage: true,
  headers: {},
};

const trace = { traceparent: "00-a-b-01", tracestate: "" };

function sent(
  changes: Partial<ProviderConfig>,
  caller: Record<string, string> = {},
  keyHeader: "authorization" | "x-api-key" | "" = "",
): Headers {
  const own = { ...provider, ...changes };
  return new Headers(upstreamHeaders({ caller, keyHeader, provider: own, ...trace }));
}

describe("headers to a provider", () => {
  test.each([
    ["anthropic", "", "x-api-key", "provider-key"],
    ["anthropic", "x-api-key", "x-api-key", "provider-key"],
    ["anthropic", "authorization", "authorization", "Bearer provider-key"],
    ["openai", "", "authorization", "Bearer provider-key"],
    ["openai", "x-api-key", "authorization", "Bearer provider-key"],
  ] as const)("%s, key sent by %p: its own key goes as %s", (api, keyHeader, name, value) => {
    const headers = sent({ api }, { "x-api-key": "caller", authorization: "caller" }, keyHeader);
    expect(headers.get(name)).toBe(value);
    expect([...headers.values()].join()).not.toContain("caller");
  });

  test("without a key of its own the caller's goes on", () => {
    const headers = sent(
      { apiKey: undefined },
      { authorization: "Bearer caller" },
      "authorization",
    );
    expect(headers.get("authorization")).toBe("Bearer caller");
  });

  test("configured headers win, the attempt's context is set, and nothing compressed is asked for", () => {
    const headers = sent({ headers: { "x-a": "configured" } }, { "x-a": "caller", "x-b": "kept" });
    expect(headers.get("x-a")).toBe("configured");
    expect(headers.get("x-b")).toBe("kept");
    expect(headers.get("traceparent")).toBe("00-a-b-01");
    expect(headers.has("tracestate")).toBe(false);
    expect(headers.get("accept-encoding")).toBe("identity");
  });
});

test("a reply's framing and hop-by-hop headers stay here, what the connection names too", () => {
  const headers = new Headers({
    connection: "close, X-Named",
    "x-named": "1",
    "transfer-encoding": "chunked",
    "content-encoding": "gzip",
    "content-length": "5",
    "set-cookie": "a=b",
    "strict-transport-security": "x",
    "x-request-id": "r",
    "retry-after": "2",
  });
  expect(replyHeaders(headers)).toEqual({
    "retry-after": "2",
    "x-request-id": "r",
  });
});
