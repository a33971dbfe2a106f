import { describe, expect, test } from "bun:test";
import {
  callsOfOpenings,
  openingsWithout,
  openRowSpans,
  readOpenings,
  rowContext,
  rowSpan,
  standInSpans,
  writeOpenings,
  type RowOpening,
  type RowsOrigin,
} from "../../../../src/tracing/recorder/row-opening.ts";

const origin: RowsOrigin = {
  run: "run",
  startMs: 1_795_270_053_000.125,
  model: "usual model",
  traceState: "a=b",
  parentSpanId: "",
  link: { traceId: "1".repeat(32), spanId: "2".repeat(16) },
};

function opening(changes: Partial<RowOpening> = {}): RowOpening {
  return {
    call: Bun.randomUUIDv7(),
    row: 7,
    line: 9,
    traceId: "a".repeat(32),
    traceFlags: 3,
    spanId: "b".repeat(16),
    chatSpanId: "c".repeat(16),
    attemptSpanId: "d".repeat(16),
    startMs: 1_795_270_053_123.25,
    model: "",
    ...changes,
  };
}

describe("the openings of rows", () => {
  test("are read as they were written, whatever a model is called", () => {
    const models = ["", "m", "two words", ' "quoted" \n\\ line\r', " ", "模型 é\u2028"];
    const rows = models.map((model, row) => opening({ model, row }));
    const written = writeOpenings(origin, rows);
    expect(readOpenings(origin, written)).toEqual(rows);
    expect(callsOfOpenings(written)).toEqual(rows.map(({ call }) => call));
    expect(readOpenings(origin, "")).toEqual([]);
    expect(callsOfOpenings("")).toEqual([]);
  });

  test("make a row's span, open and linked, and what stands in beneath it", () => {
    const row = opening();
    const spans = [rowSpan(origin, row), ...standInSpans(origin, row)];
    expect(spans.length).toBe(openRowSpans({ server: 0, worker: 0 }));
    expect(spans.map(({ name }) => name)).toEqual(["batch_row", "chat usual model", "POST"]);
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual(["", row.spanId, row.chatSpanId]);
    for (const span of spans) {
      expect(span.endMs).toBeUndefined();
      expect(span).toMatchObject({ traceId: row.traceId, traceState: "a=b", traceFlags: 3 });
    }
    expect(spans[0]?.links).toEqual([{ traceId: "1".repeat(32), spanId: "2".repeat(16) }]);
    expect(standInSpans(origin, opening({ model: "other" }))[0]?.name).toBe("chat other");
  });

  test("are let go of one by one", () => {
    const [first, second] = [opening({ row: 1 }), opening({ row: 2, model: "two words" })];
    const written = writeOpenings(origin, [first, second]);
    expect(readOpenings(origin, openingsWithout(written, first.call))).toEqual([second]);
    expect(readOpenings(origin, openingsWithout(written, second.call))).toEqual([first]);
    expect(openingsWithout(written, "none")).toBe(written);
    expect(openingsWithout(writeOpenings(origin, [first]), first.call)).toBe("");
  });

  test("stand for the spans of what was never journaled", () => {
    expect(openRowSpans({ server: 1, worker: 0 })).toBe(3);
    expect(openRowSpans({ server: 4, worker: 0 })).toBe(6);
    expect(openRowSpans({ server: 0, worker: 5 })).toBe(6);
    expect(openRowSpans({ server: 4, worker: 1 })).toBe(5);
  });

  test("say what a provider's span hangs on", () => {
    const row = opening();
    expect(rowContext(origin, row)).toEqual({
      traceId: row.traceId,
      spanId: row.spanId,
      traceFlags: 3,
      traceState: "a=b",
      isRemote: false,
    });
  });
});
