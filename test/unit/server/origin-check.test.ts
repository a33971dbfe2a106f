import { describe, expect, test } from "bun:test";
import { isForeignPage, isLoopback } from "../../../src/server/origin-check.ts";

const local = {
  host: "127.0.0.1",
  port: 4000,
  unix: undefined,
  insecure: false,
  maxBodyBytes: 1,
  drainTimeoutMs: 0,
  exportOnExitMs: 0,
  keys: [],
} as const;

function isForeign(headers: Record<string, string>, server: Partial<typeof local> | object = {}) {
  return isForeignPage(new Headers(headers), { ...local, ...server });
}

describe("isForeignPage", () => {
  test.each([
    [{}],
    [{ origin: "http://localhost:3000" }],
    [{ origin: "http://app.localhost" }],
    [{ origin: "https://[::1]:1" }],
    [{ "sec-fetch-site": "same-origin" }],
    [{ "sec-fetch-site": "none" }],
    [{ host: "LOCALHOST:4000" }],
    [{ host: "[::1]:4000" }],
    [{ host: "192.168.1.7:4000" }],
    [{ host: "gateway" }],
    [{ host: "host.docker.internal" }],
  ] as [Record<string, string>][])("%o is of this machine", (headers) => {
    expect(isForeign(headers)).toBe(false);
  });

  test.each([
    [{ origin: "https://evil.example" }],
    [{ origin: "null" }],
    [{ origin: "" }],
    [{ origin: "nonsense" }],
    [{ origin: "http://127.0.0.1.evil.example" }],
    [{ origin: "http://localhost.evil.example" }],
    [{ origin: "http://evil.example@localhost.evil.example" }],
    [{ "sec-fetch-site": "cross-site" }],
    [{ host: "evil.example" }],
    [{ host: "evil.example.:4000" }],
    [{ host: "EVIL.example:4000" }],
  ] as [Record<string, string>][])("%o is foreign", (headers) => {
    expect(isForeign(headers)).toBe(true);
  });

  test("a name is no matter where the gateway is meant to be reached by name", () => {
    const named = { host: "gateway.example" };
    expect(isForeign(named, { host: "0.0.0.0", insecure: true })).toBe(false);
    expect(isForeign(named, { unix: "/run/everyspan.sock" })).toBe(false);
    expect(isForeign({ origin: "http://evil.example" }, { host: "0.0.0.0" })).toBe(true);
    expect(isForeign({ origin: "http://gateway.example" }, { host: "gateway.example" })).toBe(
      false,
    );
  });
});

test("the loopback is known by all its names", () => {
  for (const name of ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]) {
    expect(isLoopback(name)).toBe(true);
  }
  for (const name of ["", "example.com", "127.0.0.1.example", "128.0.0.1", "::2", "localhosts"]) {
    expect(isLoopback(name)).toBe(false);
  }
});
