import { describe, expect, test } from "bun:test";
import { callerHeaders } from "../../../src/server/caller-headers.ts";
import { configOf } from "../config/resolve-text.ts";

const open = configOf("");
const keyed = configOf("server: { keys: [{ name: team, key: abcdefghijklmnop }] }");

function kept(headers: Record<string, string>, config = open): Record<string, string> {
  return callerHeaders(new Headers(headers), config);
}

describe("of the caller's headers", () => {
  test("what the provider should see goes on as it came, unknown ones too", () => {
    const headers = {
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "a,b",
      "openai-organization": "org",
      "user-agent": "app/1",
      "x-stainless-lang": "js",
      "content-type": "application/json",
      "x-session-id": "s",
    };
    expect(kept(headers)).toEqual(headers);
  });

  test("the caller's trace, cookies, framing and ours stay here", () => {
    const headers = {
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      tracestate: "a=1",
      baggage: "user.id=1",
      cookie: "session=1",
      host: "gateway.test",
      "content-length": "12",
      "transfer-encoding": "chunked",
      "accept-encoding": "gzip, zstd",
      expect: "100-continue",
      origin: "https://page.example",
      referer: "https://page.example/x",
      "sec-fetch-mode": "cors",
      forwarded: "for=10.0.0.1",
      "x-forwarded-for": "10.0.0.1",
      "x-real-ip": "10.0.0.1",
      "x-everyspan-guardrails": "pii",
      "proxy-authorization": "Basic eDp5",
      te: "trailers",
      upgrade: "h2c",
    };
    expect(kept(headers)).toEqual({});
  });

  test("those that `connection` names are for this hop only", () => {
    const headers = { connection: "keep-alive , X-Hop,close", "x-hop": "1", "x-other": "2" };
    expect(kept(headers)).toEqual({ "x-other": "2" });
  });

  test("a provider's key goes on where everyspan has none, and stays where the key is everyspan's", () => {
    const headers = { authorization: "Bearer k", "x-api-key": "k", "x-other": "1" };
    expect(kept(headers)).toEqual(headers);
    expect(kept(headers, keyed)).toEqual({ "x-other": "1" });
  });
});
