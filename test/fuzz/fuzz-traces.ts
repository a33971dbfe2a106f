// Fuzz: reads a ledger after the run and says which of its traces are not whole, whatever the calls were.

import { Database } from "bun:sqlite";
import { decodeSpans, type DecodedSpan } from "../../src/tracing/recorder/span-decoding.ts";

export interface TraceFindings {
  readonly calls: number;
  /** Calls with a span of a guardrail. */
  readonly guarded: number;
  readonly faults: readonly string[];
}

const chunkCalls = 2000;
const faultsMax = 20;
const serverKind = 2;

export function checkTraces(ledgerPath: string): TraceFindings {
  const database = new Database(ledgerPath, { readonly: true });
  const select = database.query<{ seq: number; call: string; spans: Uint8Array }, [number]>(
    `SELECT seq, call, spans FROM calls WHERE seq > ? ORDER BY seq LIMIT ${chunkCalls}`,
  );
  const faults: string[] = [];
  let calls = 0;
  let guarded = 0;
  let after = 0;
  for (;;) {
    const rows = select.all(after);
    if (rows.length === 0) break;
    for (const { seq, call, spans } of rows) {
      after = seq;
      calls++;
      const decoded = decodeSpans(spans);
      if (decoded.some(({ name }) => name.startsWith("apply_guardrail"))) guarded++;
      const fault = findTraceFault(decoded);
      if (fault !== undefined && faults.length < faultsMax) faults.push(`call ${call}: ${fault}`);
    }
  }
  const open = database.query<{ n: number }, []>("SELECT count(*) n FROM open_calls").get();
  if (open !== null && open.n > 0) faults.push(`${open.n} parts of calls are left open`);
  database.close();
  return { calls, guarded, faults };
}

/** What keeps these spans from being one whole trace, or undefined. */
export function findTraceFault(spans: readonly DecodedSpan[]): string | undefined {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  if (byId.size !== spans.length) return "a span id came twice";
  if (new Set(spans.map(({ traceId }) => traceId)).size !== 1) return "not of one trace";
  const roots = spans.filter(({ kind }) => kind === serverKind);
  if (roots.length !== 1) return `${roots.length} roots`;
  const names = spans.map(({ name }) => name);
  if (names.filter((name) => name.startsWith("chat ")).length > 1) return "two chat spans";
  if (!names.includes("auth")) return "no auth span";
  for (const span of spans) {
    const { name, startUnixNano, endUnixNano } = span;
    if (endUnixNano === undefined) return `${name} is open`;
    if (endUnixNano < startUnixNano) return `${name} ends before it starts`;
    if (span === roots[0]) continue;
    const parent = byId.get(span.parentSpanId);
    if (parent === undefined) return `${name} has no parent`;
    if (startUnixNano < parent.startUnixNano) return `${name} starts before ${parent.name}`;
    if (endUnixNano > (parent.endUnixNano ?? 0n)) return `${name} ends after ${parent.name}`;
    if (name.startsWith("apply_guardrail") && verdictOf(span) === undefined) {
      return `${name} says no verdict`;
    }
  }
  return undefined;
}

function verdictOf({ attributes }: DecodedSpan): unknown {
  return attributes["everyspan.guardrail.verdict"];
}
