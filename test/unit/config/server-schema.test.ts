import { describe, expect, test } from "bun:test";
import { configOf, problemsOf } from "./resolve-text.ts";

describe("server", () => {
  test("takes all that it knows", () => {
    const text = `
server:
  host: 10.0.0.1
  port: 0
  insecure: false
  max_body: 1MB
  drain_timeout: 0
  export_on_exit: 0
  keys: [{ name: team a, key: k1 }, { name: b, key: " k2 " }]
`;
    expect(configOf(text).server).toEqual({
      host: "10.0.0.1",
      port: 0,
      unix: undefined,
      insecure: false,
      maxBodyBytes: 1_000_000,
      drainTimeoutMs: 0,
      exportOnExitMs: 0,
      keys: [
        { name: "team a", key: "k1" },
        { name: "b", key: "k2" },
      ],
    });
  });

  test("takes an IPv6 address with and without brackets", () => {
    expect(configOf('server: { host: "[::1]" }').server.host).toBe("::1");
    expect(configOf('server: { host: "::1" }').server.host).toBe("::1");
  });

  test.each([
    "localhost",
    "my-host_2.example",
    "example.",
    "0.0.0.0",
    "::",
    "fe80::1%eth0",
    "bücher",
  ])("takes %s to listen on", (host) => {
    const text = `server: { host: "${host}", insecure: true }`;
    expect(configOf(text).server.host).toBe(host);
  });

  test.each([
    "999.1.1.1",
    "127.999.1.1",
    "127.1",
    "0",
    "127.0.0.1:80",
    "http://x",
    "a b",
    "*",
    "[x]",
  ])("says of %s that it is no address, and no more than that", (host) => {
    expect(problemsOf(`server: { host: "${host}" }`)).toEqual([
      `server.host: must be a host name or an IP address`,
    ]);
  });

  test("has a socket's path start at the file", () => {
    expect(configOf("server: { unix: ./e.sock }").server.unix).toBe("/etc/everyspan/e.sock");
    expect(configOf("server: { unix: /run/e.sock }").server.unix).toBe("/run/e.sock");
  });

  test("refuses a socket's path that the system would cut", () => {
    expect(problemsOf(`server: { unix: /${"x".repeat(103)} }`)).toEqual([
      "server.unix: must be a path of at most 103 bytes, as sockets have it",
    ]);
  });

  test.each([
    ["keys: []", "server.keys: must hold at least one key; without authentication, leave keys out"],
    ['keys: [{ name: a, key: "" }]', "server.keys[0].key: must not be empty"],
    ["keys: [{ name: a, key: }]", "server.keys[0].key: is missing; it must be text"],
    ["keys: [{ name: a, key: 12 }]", "server.keys[0].key: must be text: put quotes around it"],
    ["port: 1.5", "server.port: must be a whole number from 0 to 65535 (got 1.5)"],
    ["insecure: yes", 'server.insecure: must be true or false (got "yes")'],
    ["max_body: 4GiB", 'server.max_body: must be at most 2147483647B (got "4GiB")'],
    ["max_body: 1B", 'server.max_body: must be at least 1KiB (got "1B")'],
    ["drain_timeout: 30d", 'server.drain_timeout: must be from 0ms to 2147483647ms (got "30d")'],
    [
      "drain_timeout: 20",
      "server.drain_timeout: must be a duration such as 500ms, 30s, 2m or 24h: " +
        "add a unit, 20s or 20ms (got 20)",
    ],
  ])("refuses %s", (line, expected) => {
    expect(problemsOf(`server: { ${line} }`)).toEqual([expected]);
  });
});

describe("pool", () => {
  test("takes all that it knows", () => {
    const text =
      "pool: { threads: 2, calls_per_thread: 1, queue: 0, stall_timeout: 1s, strict: true }";
    expect(configOf(text).pool).toEqual({
      threads: 2,
      callsPerThread: 1,
      queue: 0,
      stallTimeoutMs: 1000,
      strict: true,
    });
  });

  test("has a thread even where no core is known, and no more than its bound", () => {
    expect(configOf("pool: { threads: auto }", { cores: 0 }).pool.threads).toBe(1);
    expect(configOf("", { cores: 1000 }).pool.threads).toBe(256);
  });

  test.each(["all", "0", "257", "1.5", "[]"])("refuses %s threads", (threads) => {
    const [problem, ...others] = problemsOf(`pool: { threads: ${threads} }`);
    expect(problem).toStartWith("pool.threads: must be auto or a whole number from 1 to 256 (got ");
    expect(others).toEqual([]);
  });
});
