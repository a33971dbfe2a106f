// Whether what arrived at a receiver is whole: used by the demo to judge its own calls. Pure.

import type { ReceivedSpan } from "./received-span.ts";

/** One call's spans: the root and everything beneath it. */
export interface CallTrace {
  readonly root: ReceivedSpan;
  readonly spans: readonly ReceivedSpan[];
}

/** Splits spans that may share one trace into calls, by their SERVER spans. */
export function callsOf(spans: readonly ReceivedSpan[]): CallTrace[] {
  const children = Map.groupBy(spans, (span) => span.parentSpanId);
  function below(span: ReceivedSpan): ReceivedSpan[] {
    return [span, ...(children.get(span.spanId) ?? []).flatMap(below)];
  }
  return spans
    .filter((span) => span.kind === serverKind)
    .map((root) => ({ root, spans: below(root) }));
}

/** Everything that is wrong with a call's trace; empty when it is whole. */
export function problemsOf(
  { root, spans }: CallTrace,
  expected: { readonly traceId: string; readonly parentSpanId: string; readonly attempts: number },
): string[] {
  const problems: string[] = [];
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  if (byId.size !== spans.length) problems.push("a span id is there twice");
  if (root.parentSpanId !== expected.parentSpanId)
    problems.push("the root's parent is not the caller");
  for (const span of spans) {
    if (span.traceId !== expected.traceId) problems.push(`${span.name}: another trace id`);
    if (span.endNs === 0n) problems.push(`${span.name}: not ended`);
    const parent = byId.get(span.parentSpanId);
    if (parent === undefined) {
      if (span !== root) problems.push(`${span.name}: its parent is missing`);
    } else if (span.startNs < parent.startNs || span.endNs > parent.endNs) {
      problems.push(`${span.name}: outside its parent's time`);
    }
  }
  for (const [name, count] of [
    ["auth", 1],
    ["pre_call", 1],
    ["chat", 1],
    ["POST", expected.attempts],
  ] as const) {
    const found = spans.filter((span) => span !== root && span.name.split(" ", 1)[0] === name);
    if (found.length !== count) problems.push(`${found.length} ${name} spans instead of ${count}`);
  }
  return problems;
}

const serverKind = 2;
