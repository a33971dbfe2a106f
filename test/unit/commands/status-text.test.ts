import { describe, expect, test } from "bun:test";
import { accountText, callsText, rejectedText } from "../../../src/commands/status-text.ts";
import type { Account } from "../../../src/protocol/exporter-message.ts";
import { decodeSpans } from "../../../src/tracing/recorder/span-decoding.ts";
import { sealCall } from "../../../src/server/server-call.ts";
import { createCallSource, testTraceId } from "../../support/server-calls.ts";

const account: Account = {
  calls: 4,
  committed: 20,
  lost: 1,
  openCalls: 1,
  openSpans: 2,
  destinations: [],
};
const destination = {
  name: "phoenix",
  committed: 20,
  exported: 11,
  pending: 4,
  rejected: 3,
  expired: 2,
  unsampled: 0,
  state: "retrying",
  lastError: "connection refused",
} as const;

describe("the account", () => {
  test("says that the ledger is alone where no destination is configured", () => {
    expect(accountText(account, "/data/ledger.db").split("\n")).toEqual([
      "ledger /data/ledger.db",
      "calls 4   open 1   spans committed 20   open 2   lost 1",
      "no destinations: the ledger alone",
    ]);
  });

  test("has a line for each destination, and its trouble beneath", () => {
    const destinations = [destination, { ...destination, name: "other", lastError: "" }];
    const lines = accountText({ ...account, destinations }, "l")
      .split("\n")
      .slice(2);
    expect(lines).toEqual([
      "phoenix (retrying): spans exported 11   pending 4   rejected 3   expired 2   unsampled 0",
      "  last error: connection refused",
      "other (retrying): spans exported 11   pending 4   rejected 3   expired 2   unsampled 0",
    ]);
  });
});

test("what a receiver answered drives no terminal", () => {
  const evil = "HTTP 400: \u001b[2J\nledger /fine";
  const shown = accountText(
    { ...account, destinations: [{ ...destination, lastError: evil }] },
    "l",
  );
  expect(shown.split("\n").at(-1)).toBe("  last error: HTTP 400: ?[2J?ledger /fine");
  const rejected = { destination: "d", call: "c", rejectedAtMs: 0, reason: evil, spanCount: 1 };
  expect(rejectedText([{ ...rejected, traceId: testTraceId }]).split("\n")).toHaveLength(2);
});

describe("the calls", () => {
  const call = createCallSource().open();
  const spans = decodeSpans(sealCall(call, { status: 200 }).spans);
  const entry = {
    call: call.id,
    atMs: 1_700_000_000_000,
    isOpen: false,
    sampled: true,
    isReadable: true,
    spans,
  };

  test("come oldest first, so that the newest is what one sees", () => {
    const newest = { ...entry, atMs: entry.atMs + 60_000 };
    const [first, second, ...rest] = callsText([newest, entry]).split("\n\n");
    expect(first).toStartWith(`trace ${testTraceId}  2023-11-14T22:13:20.000Z\nPOST /v1/chat`);
    expect(second).toStartWith(`trace ${testTraceId}  2023-11-14T22:14:20.000Z\n`);
    expect(rest).toEqual([]);
  });

  test("say when they are still open, or not sampled", () => {
    expect(callsText([{ ...entry, isOpen: true }])).toContain("000Z  still open\n");
    expect(callsText([{ ...entry, sampled: false }])).toContain("000Z  not sampled\n");
  });

  test("say of which of them something could not be read", () => {
    const torn = { ...entry, isReadable: false };
    expect(callsText([torn, entry])).toMatch(
      new RegExp(`\n\ncall ${call.id} cannot be read whole in the ledger\ntrace ${testTraceId}  `),
    );
    expect(callsText([{ ...torn, spans: [] }])).toBe(
      `call ${call.id} cannot be read in the ledger`,
    );
  });

  test("may have no spans, or be none", () => {
    expect(callsText([{ ...entry, spans: [] }])).toStartWith("trace   2023");
    expect(callsText([])).toBe("");
  });
});

test("what was refused is told with who refused it and why, or that there is nothing", () => {
  expect(rejectedText([])).toBe("no call was refused as a whole");
  const rejected = {
    destination: "phoenix",
    call: "c",
    reason: "400: span name too long",
    rejectedAtMs: 1_700_000_000_000,
    spanCount: 5,
    traceId: testTraceId,
  };
  expect(rejectedText([rejected])).toBe(
    `2023-11-14T22:13:20.000Z  phoenix  trace ${testTraceId}  5 spans\n  400: span name too long`,
  );
});
