import { describe, expect, test } from "bun:test";
import { crossCheck, isLoopback } from "../../../src/config/cross-checks.ts";

test.each(["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1", "[::1]", "::ffff:127.0.0.1"])(
  "%s is this machine alone",
  (host) => {
    expect(isLoopback(host)).toBe(true);
  },
);

test.each([
  "0.0.0.0",
  "::",
  "",
  "10.0.0.1",
  "127.0.0.1.example.com",
  "localhost.example",
  "1.127.0.0.1",
])("%p may be reached from elsewhere", (host) => {
  expect(isLoopback(host)).toBe(false);
});

describe("a server that others can reach", () => {
  const pathsOf = (server: unknown) => crossCheck({ server }).map(({ path }) => path);

  test("needs keys, or a word that it is meant", () => {
    expect(pathsOf({ host: "0.0.0.0" })).toEqual(["server.host"]);
    expect(pathsOf({ host: "0.0.0.0", insecure: false })).toEqual(["server.host"]);
    expect(pathsOf({ host: "0.0.0.0", insecure: "true" })).toEqual([]);
    expect(pathsOf({ host: "0.0.0.0", insecure: true })).toEqual([]);
    expect(pathsOf({ host: "0.0.0.0", keys: [{ name: "a", key: "b" }] })).toEqual([]);
    expect(pathsOf({ host: "127.0.0.1" })).toEqual([]);
  });

  test("listens on a socket or an address, not both", () => {
    expect(pathsOf({ unix: "/s" })).toEqual([]);
    expect(pathsOf({ unix: "/s", port: 1 })).toEqual(["server.port"]);
    expect(pathsOf({ unix: "/s", port: 1, host: "0.0.0.0" })).toEqual([
      "server.port",
      "server.host",
    ]);
  });
});

test("keys that are the same but for white space are the same, and are not told", () => {
  const keys = [
    { name: "a", key: "sk-1" },
    { name: "b", key: "sk-1 " },
  ];
  expect(crossCheck({ server: { keys } })).toEqual([
    {
      path: "server.keys[1].key",
      message: "is the same as server.keys[0].key; each must be different",
    },
  ]);
});

test("a document of any shape is survived", () => {
  const shapes: unknown[] = [undefined, null, 1, "x", [], [null], {}, { name: 1 }, { headers: [] }];
  for (const shape of shapes) {
    for (const section of ["server", "providers", "models", "guardrails", "tracing", "pricing"]) {
      expect(crossCheck({ [section]: shape })).toEqual([]);
      expect(crossCheck({ [section]: [shape] })).toEqual([]);
      expect(crossCheck({ tracing: { destinations: shape }, server: { keys: shape } })).toEqual([]);
    }
    expect(crossCheck(shape)).toEqual([]);
  }
});
