import { describe, expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import { abandonCall, journalOf, sealCall } from "../../../src/server/server-call.ts";
import { decodeSpans } from "../../../src/tracing/recorder/span-decoding.ts";
import type { DecodedSpan } from "../../../src/tracing/recorder/span-decoding.ts";
import { createCallSource, testTraceId } from "../../support/server-calls.ts";

const { unset, error } = { unset: 0, error: 2 };

function rootOf(spans: string): DecodedSpan {
  const root = decodeSpans(spans).find(({ kind }) => kind === 2);
  if (root === undefined) throw new Error("no root");
  return root;
}

describe("the root of a call", () => {
  test("hangs on the caller's span, named by route and never by path", () => {
    const spanId = "00f067aa0ba902b7";
    const { open } = createCallSource();
    const path = "/v1/files/file-abc123?key=secret";
    const call = open({ path, trace: { spanId, isRemote: true, traceState: "v=1" } });
    const root = rootOf(journalOf(call).spans);
    expect(root).toMatchObject({
      traceId: testTraceId,
      parentSpanId: spanId,
      traceState: "v=1",
      name: "POST /v1/*",
    });
    expect(root.attributes).toMatchObject({
      "http.route": "/v1/*",
      "url.path": "/v1/files/file-abc123",
      "server.port": 4000,
      "everyspan.call.id": call.id,
    });
    expect(JSON.stringify(root.attributes)).not.toContain("secret");
  });

  test("of a method that is not HTTP's own has a name that callers cannot make up", () => {
    const root = rootOf(journalOf(createCallSource().open({ method: "PROPFIND" })).spans);
    expect(root.name).toBe("HTTP /v1/chat/completions");
    expect(root.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "PROPFIND",
    });
  });

  test("knows session and user from headers and baggage, cut to a length", () => {
    const { open } = createCallSource();
    const baggage = `session.id=b,user.id=${"u".repeat(300)}`;
    expect(open({ headers: { baggage } }).common).toEqual({
      "session.id": "b",
      "user.id": "u".repeat(256),
    });
    expect(open({ headers: { baggage, "x-session-id": "own" } }).common).toMatchObject({
      "session.id": "own",
    });
    expect(open({ headers: { baggage: "session.id=,user.id=" } }).common).toEqual({});
  });

  test.each([
    ["a good reply", { status: 200 }, unset, undefined],
    ["the caller's mistake", { status: 404 }, unset, undefined],
    ["the provider's failure", { status: 503 }, error, "503"],
    ["a refusal", { status: 401, failure: "unauthorized" }, unset, undefined],
    ["a block", { status: 400, failure: "guardrail_blocked" }, unset, undefined],
    [
      "a block in mid-stream",
      { status: 200, failure: "guardrail_blocked" },
      error,
      "guardrail_blocked",
    ],
    ["a stream that broke", { status: 200, failure: "provider_cut" }, error, "provider_cut"],
    [
      "a failure of ours",
      { status: 502, failure: "provider_unreachable" },
      error,
      "provider_unreachable",
    ],
    [
      "a caller that left",
      { status: undefined, failure: "client_disconnected" },
      unset,
      "client_disconnected",
    ],
    [
      "one that left in mid-stream",
      { status: 200, failure: "client_disconnected" },
      unset,
      "client_disconnected",
    ],
  ] as const)("after %s has the status that the conventions ask for", (_, end, code, errorType) => {
    const call = createCallSource().open();
    const failure = "failure" in end ? { code: end.failure, message: "m" } : undefined;
    const root = rootOf(sealCall(call, { status: end.status, failure }).spans);
    expect(root.statusCode).toBe(code);
    expect(root.attributes["error.type"]).toBe(errorType);
    expect(root.attributes["http.response.status_code"]).toBe(end.status);
  });
});

describe("a sealed call", () => {
  test("is one message: the server's spans, then the worker's; the root ends with the last of them", () => {
    const { open, tick } = createCallSource();
    const call = open();
    call.common["user.id"] = "u";
    call.spans.end(call.spans.start({ name: "auth", kind: 1 }, call.root));
    tick(5);
    const worker = open({ trace: { spanId: call.root.spanId } });
    const lastEndMs = call.startedMs + 9;
    const spans = journalOf(worker).spans;
    const outcome = { ...noOutcome, spans, spanCount: 1, lastEndMs };
    const command = sealCall(call, { status: 200, outcome });
    const decoded = decodeSpans(command.spans);
    expect(command).toMatchObject({ kind: "finished", call: call.id, spanCount: 3, sampled: true });
    expect(decoded.map(({ name }) => name)).toEqual([
      "POST /v1/chat/completions",
      "auth",
      "POST /v1/chat/completions",
    ]);
    expect(decoded[0]?.endMs).toBeCloseTo(lastEndMs, 2);
    expect(decoded.slice(0, 2).every(({ attributes }) => attributes["user.id"] === "u")).toBe(true);
    expect(call.sealed).toBe(true);
  });

  test("says whether its caller wanted it sampled", () => {
    const call = createCallSource().open({ trace: { traceFlags: 2 } });
    expect(journalOf(call).sampled).toBe(false);
    expect(sealCall(call, { status: 200 }).sampled).toBe(false);
  });

  test("was journaled with an open root before", () => {
    const call = createCallSource().open();
    const journal = journalOf(call);
    expect(journal).toMatchObject({ kind: "journal", part: "server", spanCount: 1 });
    expect(rootOf(journal.spans).endMs).toBeUndefined();
    expect(call).toMatchObject({ journaled: true, sealed: false });
  });
});

describe("an abandoned call", () => {
  const failure = { code: "worker_lost", message: "the thread is gone" } as const;

  test("keeps a chat span beneath its root though its worker never told of any", () => {
    const { open, tick } = createCallSource();
    const call = open();
    call.model = "gpt-4o-mini";
    tick(30);
    const command = abandonCall(call, failure, { chat: true, status: 503 });
    if (command.kind !== "abandoned") throw new Error("not abandoned");
    const [chat, ...others] = decodeSpans(command.fallbackSpans);
    expect(others).toEqual([]);
    expect(chat).toMatchObject({
      name: "chat gpt-4o-mini",
      kind: 3,
      traceId: call.traceId,
      parentSpanId: call.root.spanId,
      startMs: call.startedMs,
      statusCode: error,
    });
    expect(chat?.endMs).toBeCloseTo(call.startedMs + 30, 2);
    expect(chat?.attributes["error.type"]).toBe("worker_lost");
    expect(chat?.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(command).toMatchObject({
      spanCount: 1,
      fallbackSpanCount: 1,
      endedAtMs: call.startedMs + 30,
      errorType: "worker_lost",
    });
    const root = rootOf(command.spans);
    expect(root.statusCode).toBe(error);
    expect(root.endUnixNano).toBe(chat?.endUnixNano);
    expect(call.sealed).toBe(true);
  });

  test("has no chat span where its route generates nothing", () => {
    const call = createCallSource().open();
    const command = abandonCall(call, failure, { chat: false, status: 503 });
    expect(command).toMatchObject({ fallbackSpans: "", fallbackSpanCount: 0 });
  });

  test("brings what its worker had journaled in place of a stand-in", () => {
    const call = createCallSource().open();
    const workerPart = { spans: "journaled", spanCount: 4 };
    const command = abandonCall(call, failure, { chat: true, status: 503, workerPart });
    expect(command).toMatchObject({
      fallbackSpans: "journaled",
      fallbackSpanCount: 4,
      spanCount: 1,
    });
  });

  test("by a caller that left while it waited is no error of the call", () => {
    const call = createCallSource().open();
    const left = { code: "client_disconnected", message: "gone" } as const;
    const command = abandonCall(call, left, { chat: true, status: undefined });
    if (command.kind !== "abandoned") throw new Error("not abandoned");
    const [chat] = decodeSpans(command.fallbackSpans);
    for (const span of [chat, rootOf(command.spans)]) {
      expect(span?.statusCode).toBe(unset);
      expect(span?.attributes["everyspan.client_disconnected"]).toBe(true);
    }
  });
});
