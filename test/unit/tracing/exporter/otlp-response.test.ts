import { describe, expect, test } from "bun:test";
import {
  exportOutcome,
  retryAfterMs,
  type ReceivedAnswer,
} from "../../../../src/tracing/exporter/otlp-response.ts";

function answer(status: number, changes: Partial<ReceivedAnswer> = {}): ReceivedAnswer {
  const none = { contentType: "", retryAfter: "", location: "", body: new Uint8Array() };
  return { status, ...none, ...changes };
}

const now = Date.parse("2026-11-20T10:00:00Z");

describe("what an answer means", () => {
  test.each([
    ["empty", new Uint8Array()],
    ["an empty partial success", Uint8Array.from([0x0a, 0x00])],
    ["its JSON", Buffer.from('{"partialSuccess":{}}')],
    ["empty JSON", Buffer.from("{}")],
    ["an unreadable body", Uint8Array.from([0xff, 0xff])],
  ])("200 with %s is a success", (_name, body) => {
    expect(exportOutcome(answer(200, { body }), now)).toMatchObject({
      kind: "accepted",
      rejectedSpans: 0,
    });
  });

  test("a partial success is read in the encoding of the answer, not of the request", () => {
    const json = '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"odd ids"}}';
    const protobuf = [0x0a, 0x07, 0x08, 0x02, 0x12, 0x03, 0x6f, 0x64, 0x64];
    expect(exportOutcome(answer(200, { body: Buffer.from(json) }), now)).toEqual({
      kind: "accepted",
      rejectedSpans: 3,
      message: "odd ids",
    });
    expect(exportOutcome(answer(200, { body: Uint8Array.from(protobuf) }), now)).toEqual({
      kind: "accepted",
      rejectedSpans: 2,
      message: "odd",
    });
  });

  // The ledger's account holds whole numbers: any other would take it down.
  test.each(["1.5", '"2.7"', "1e999", "-1", "-0.5", "{}", "[4]", "true", '"x"', "null"])(
    "spans rejected: %s is a count all the same",
    (count) => {
      const body = Buffer.from(`{"partialSuccess":{"rejectedSpans":${count}}}`);
      const { rejectedSpans } = exportOutcome(answer(200, { body }), now) as {
        rejectedSpans: number;
      };
      expect(rejectedSpans).toBeGreaterThanOrEqual(0);
      expect(Math.min(rejectedSpans, 5) % 1).toBe(0);
    },
  );

  test.each([
    [[301, 302, 307, 308, 408, 429, 500, 501, 502, 503, 504, 520, 599], "retry"],
    [[400, 413, 422], "refused"],
    [[401, 402, 403, 404, 405, 406, 409, 410, 415, 426], "misconfigured"],
    [[200, 201, 202, 204], "accepted"],
  ] as const)("%p: %s", (statuses, kind) => {
    for (const status of statuses) expect(exportOutcome(answer(status), now).kind).toBe(kind);
  });

  test("a web page is no success whatever its status", () => {
    const page = answer(200, { contentType: "text/html; charset=utf-8" });
    expect(exportOutcome(page, now).kind).toBe("retry");
  });

  test("the reason is short, printable and says where a redirect leads", () => {
    const long = answer(400, { body: Buffer.from(`bad\u0000\n${"x".repeat(9000)}`) });
    const { reason } = exportOutcome(long, now) as { reason: string };
    expect(reason).toStartWith("HTTP 400: bad x");
    expect(reason.length).toBeLessThan(220);
    const redirect = exportOutcome(answer(302, { location: "https://login" }), now);
    expect(redirect).toMatchObject({ reason: "HTTP 302 to https://login" });
  });
});

test("Retry-After comes as seconds or as a date", () => {
  expect(retryAfterMs("7", now)).toBe(7000);
  expect(retryAfterMs("Fri, 20 Nov 2026 10:01:00 GMT", now)).toBe(60_000);
  expect(retryAfterMs("Fri, 20 Nov 2026 09:00:00 GMT", now)).toBe(0);
  expect(retryAfterMs("soon", now)).toBeUndefined();
  expect(retryAfterMs("", now)).toBeUndefined();
});
