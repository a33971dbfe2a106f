import { describe, expect, test } from "bun:test";
import { configOf, problemsOf } from "./resolve-text.ts";

describe("tracing", () => {
  test("takes all that it knows", () => {
    const text = `
tracing:
  capture_content: true
  content_limit: 100
  reply_waits_for: export
  export_wait: 1s
  export_delay: 0
  max_export_batch: 10
  resource: { service.name: mine, team: a }
  sampler: { kind: traceidratio, ratio: 0.25 }
  disabled: true
  ledger:
    path: data/l.db
    retention: 90d
    max_size: 10MiB
    on_failure: refuse
    commit_timeout: 1s
    durability: power
  destinations:
    - name: a
      endpoint: https://a.example/otel?team=1
      headers: { Authorization: "Basic x" }
      protocol: http/json
      compression: gzip
      timeout: 1m
      dialect: langfuse
      backfill: true
      cut_parent: true
      attribute_limit: 2048
      ca_file: ca.pem
      cert_file: /c.pem
      key_file: /k.pem
`;
    expect(configOf(text).tracing).toEqual({
      captureContent: true,
      contentLimitChars: 100,
      replyWaitsFor: "export",
      exportWaitMs: 1000,
      exportDelayMs: 0,
      maxExportBatch: 10,
      resource: { "service.name": "mine", team: "a" },
      sampler: { kind: "traceidratio", ratio: 0.25 },
      disabled: true,
      ledger: {
        path: "/etc/everyspan/data/l.db",
        retentionMs: 90 * 86_400_000,
        maxSizeBytes: 10 * 2 ** 20,
        onFailure: "refuse",
        commitTimeoutMs: 1000,
        durability: "power",
      },
      destinations: [
        {
          name: "a",
          endpoint: "https://a.example/otel?team=1",
          headers: { authorization: "Basic x" },
          protocol: "http/json",
          compression: "gzip",
          timeoutMs: 60_000,
          dialect: "langfuse",
          backfill: true,
          cutParent: true,
          attributeLimit: 2048,
          caFile: "/etc/everyspan/ca.pem",
          certFile: "/c.pem",
          keyFile: "/k.pem",
        },
      ],
    });
  });

  test("has defaults for a destination of a name and an address", () => {
    const text = 'tracing: { destinations: [{ name: a, endpoint: "http://a:4318/v1/traces" }] }';
    expect(configOf(text).tracing.destinations).toEqual([
      {
        name: "a",
        endpoint: "http://a:4318/v1/traces",
        headers: {},
        protocol: "http/protobuf",
        compression: "none",
        timeoutMs: 30_000,
        dialect: "auto",
        backfill: false,
        cutParent: false,
        attributeLimit: undefined,
        caFile: undefined,
        certFile: undefined,
        keyFile: undefined,
      },
    ]);
  });

  test.each([
    ["sampler: always_on", "sampler: must be a mapping of keys to values"],
    ["sampler: { ratio: 2 }", "sampler.ratio: must be a number from 0 to 1 (got 2)"],
    ["resource: { a: 1 }", "resource.a: must be text: put quotes around it"],
    ["resource: [a]", "resource: must be a mapping of keys to values"],
    [
      "reply_waits_for: comit",
      'reply_waits_for: must be commit, export or nothing; did you mean commit? (got "comit")',
    ],
    ["ledger: { path: '' }", "ledger.path: must be a path that is not empty"],
    ["ledger: { retention: 1ms }", 'ledger.retention: must be from 1s to 3650d (got "1ms")'],
    ["ledger: { max_size: 1KiB }", 'ledger.max_size: must be at least 1MiB (got "1KiB")'],
    [
      "destinations: [{ name: a }]",
      "destinations[0].endpoint: is missing; it must be an address that begins with http:// or https://",
    ],
    [
      'destinations: [{ name: a, endpoint: "localhost:4318" }]',
      "destinations[0].endpoint: must be an address that begins with http:// or https://",
    ],
    [
      'destinations: [{ name: a, endpoint: "http://a/t" }, { name: a, endpoint: "http://b/t" }]',
      "destinations[1].name: is the same as tracing.destinations[0].name; each must be different",
    ],
    [
      'destinations: [{ name: a, endpoint: "http://a/t", key_file: k }]',
      "destinations[0].key_file: needs cert_file beside it",
    ],
    [
      'destinations: [{ name: a, endpoint: "http://a/t", protocol: grpc }]',
      'destinations[0].protocol: must be http/protobuf or http/json (got "grpc")',
    ],
  ])("refuses %s", (line, expected) => {
    expect(problemsOf(`tracing: { ${line} }`)).toEqual([`tracing.${expected}`]);
  });

  test("refuses files that are not there, each by its key", () => {
    const text =
      'tracing: { destinations: [{ name: a, endpoint: "http://a/t", ca_file: a, cert_file: b, key_file: c }] }';
    expect(problemsOf(text, { fileExists: (path) => path.endsWith("/b") })).toEqual([
      "tracing.destinations[0].ca_file: there is no readable PEM file at /etc/everyspan/a",
      "tracing.destinations[0].key_file: there is no readable PEM file at /etc/everyspan/c",
    ]);
  });
});
