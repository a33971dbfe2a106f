import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import { openLedgerReader } from "../../../../src/tracing/exporter/ledger-reader.ts";
import { openLedger } from "../../../../src/tracing/exporter/ledger.ts";
import { temporaryFolder, testCall, type TestCall } from "../../../support/exporter-harness.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const bytesOf = ({ spans }: TestCall): Buffer => Buffer.from(spans, "latin1");
/** Its head is whole, so that it is found by its trace. */
const torn = (call: TestCall): Buffer => bytesOf(call).subarray(0, -20);

/** A reader of a ledger with `committed`, and open parts by call. */
function reading(committed: readonly [TestCall, Buffer][], open: readonly [TestCall, Buffer][]) {
  const { path: folder, remove } = temporaryFolder();
  cleanups.push(remove);
  const path = join(folder, "ledger.db");
  const opened = openLedgerFile(path, "process");
  if (!opened.ok) throw new Error(opened.error);
  const ledger = openLedger(opened.file, { run: "r", nowMs: () => 1_000, recentBytesMax: 0 });
  const rows = committed.map(([call, spans]) => ({ ...call, spans }));
  ledger.commit(rows, [], 0);
  for (const [part, [{ call }, spans]] of open.entries()) {
    opened.file.database
      .query<unknown, [string, number, Uint8Array]>(
        "INSERT INTO open_calls VALUES (?, ?, 'r', 1000, 3, 1, ?)",
      )
      .run(call, part, spans);
  }
  for (const [at, { call, spans }] of rows.entries()) {
    opened.file.database
      .query<unknown, [number, string, Uint8Array]>(
        "INSERT INTO rejected VALUES ('main', ?, ?, 'no', 1000, 3, ?)",
      )
      .run(at, call, spans);
  }
  opened.file.close();
  const opening = openLedgerReader(path);
  if (!opening.ok) throw new Error(opening.error);
  cleanups.push(opening.reader.close);
  return opening.reader;
}

test("a call that is open is shown as far as it can be read", () => {
  const call = testCall();
  for (const [parts, spanCount] of [
    [[bytesOf(call), torn(call)], 3],
    [[torn(call), bytesOf(call)], 3],
    [[torn(call)], 0],
  ] as const) {
    const reader = reading(
      [],
      parts.map((spans) => [call, spans]),
    );
    const found = reader.calls({ trace: call.traceId });
    expect(found).toMatchObject([{ call: call.call, isOpen: true, isReadable: false }]);
    expect(found[0]?.spans).toHaveLength(spanCount);
  }
});

test("a call that cannot be read hides none of the others", () => {
  const [good, bad] = [testCall(), testCall()];
  const reader = reading(
    [
      [good, bytesOf(good)],
      [bad, torn(bad)],
    ],
    [],
  );
  expect(reader.calls({ last: 5 })).toMatchObject([
    { call: bad.call, isReadable: false, spans: [] },
    { call: good.call, isReadable: true },
  ]);
  expect(reader.calls({ trace: bad.traceId })).toMatchObject([{ call: bad.call, spans: [] }]);
});

test("of a refused call that cannot be read the trace is not known", () => {
  const bad = testCall();
  expect(reading([[bad, torn(bad)]], []).rejected()).toMatchObject([
    { call: bad.call, reason: "no", traceId: "" },
  ]);
});
