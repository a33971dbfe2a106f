// Tests: what "one whole trace" means, in one place. Fails with the invariant's id and the tree it saw.
// G1 one trace id, G2 one root, G3 no dangling parent, G4 the root is ended, G5 the chat span exactly as
// expected, G6 children within their parent's time, G7 kinds.

import { callPicture } from "../../src/commands/call-picture.ts";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";

export interface WholeTraceExpectation {
  /** The span the caller sent as traceparent: the root's parent, not among the spans. */
  readonly caller?: { readonly traceId: string; readonly spanId: string };
  /** The path of the route, e.g. `/v1/messages`. */
  readonly route: string;
  /** Whether the call has its `chat` span: false when refused before any provider work. */
  readonly chat: boolean;
  /** Number of provider attempts; unchecked when absent. */
  readonly attempts?: number;
  /** Number of guardrail spans; unchecked when absent. */
  readonly guardrails?: number;
  readonly method?: string;
}

/** The tree by role. `auth` and `preCall` are undefined where the call was refused before them. */
export interface CallTree {
  readonly root: ReceivedSpan;
  readonly auth: ReceivedSpan;
  readonly preCall: ReceivedSpan | undefined;
  readonly chat: ReceivedSpan | undefined;
  /** In order of start. */
  readonly attempts: readonly ReceivedSpan[];
  readonly guardrails: readonly ReceivedSpan[];
}

export const kinds = { internal: 1, server: 2, client: 3 } as const;

const remoteParentBits = 0x300;

/** Checks the spans of one call; throws on the first invariant that does not hold. */
export function assertWholeTrace(
  spans: readonly ReceivedSpan[],
  expected: WholeTraceExpectation,
): CallTree {
  const fail = (invariant: string, problem: string): never => {
    throw new Error(`${invariant}: ${problem}\n${callPicture(spans)}`);
  };
  const check = (holds: boolean, invariant: string, problem: string): void => {
    if (!holds) fail(invariant, problem);
  };
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  check(spans.length > 0, "G1", "no spans");
  check(byId.size === spans.length, "G1", "a span id came twice");
  const traceIds = [...new Set(spans.map((span) => span.traceId))];
  check(traceIds.length === 1, "G1", `trace ids ${traceIds.join(" ")}`);
  checkIds(spans, check);

  const { caller } = expected;
  if (caller !== undefined) {
    check(traceIds[0] === caller.traceId, "G1", `trace id is not the caller's ${caller.traceId}`);
    check(!byId.has(caller.spanId), "G2", "the caller's own span is among the spans");
  }
  const tops = spans.filter((span) => !byId.has(span.parentSpanId));
  const rootParent = caller?.spanId ?? "";
  const dangling = tops.filter((span) => span.parentSpanId !== rootParent);
  check(
    dangling.length === 0,
    "G3",
    `parent missing of ${dangling.map((span) => `${span.name} (${span.parentSpanId})`).join(", ")}`,
  );
  check(tops.length === 1, "G2", `${tops.length} roots: ${tops.map((s) => s.name).join(", ")}`);
  const root = tops[0] ?? fail("G2", "no root");
  check(
    (root.flags & remoteParentBits) === (caller === undefined ? 0x100 : 0x300),
    "G2",
    `root flags 0x${root.flags.toString(16)} do not say where the parent is`,
  );
  checkTimes(spans, byId, check);
  return checkRoles(spans, root, expected, check);
}

type Check = (holds: boolean, invariant: string, problem: string) => void;

function checkIds(spans: readonly ReceivedSpan[], check: Check): void {
  for (const span of spans) {
    check(/^[0-9a-f]{32}$/.test(span.traceId) && !/^0+$/.test(span.traceId), "G1", "bad trace id");
    check(/^[0-9a-f]{16}$/.test(span.spanId) && !/^0+$/.test(span.spanId), "G1", "bad span id");
  }
}

function checkTimes(
  spans: readonly ReceivedSpan[],
  byId: ReadonlyMap<string, ReceivedSpan>,
  check: Check,
): void {
  for (const span of spans) {
    check(span.startNs > 0n && span.endNs > 0n, "G4", `${span.name} has no start or no end`);
    check(span.endNs >= span.startNs, "G6", `${span.name} ends before it starts`);
    const parent = byId.get(span.parentSpanId);
    if (parent === undefined) continue;
    check(span.startNs >= parent.startNs, "G6", `${span.name} starts before ${parent.name}`);
    check(span.endNs <= parent.endNs, "G6", `${span.name} ends after ${parent.name}`);
  }
}

function checkRoles(
  spans: readonly ReceivedSpan[],
  root: ReceivedSpan,
  expected: WholeTraceExpectation,
  check: Check,
): CallTree {
  const named = (name: string): readonly ReceivedSpan[] =>
    spans.filter((span) => span.name === name && span !== root);
  const rootName = `${expected.method ?? "POST"} ${expected.route}`;
  check(root.name === rootName, "G7", `root is ${root.name}, not ${rootName}`);
  check(root.kind === kinds.server, "G7", "root is not SERVER");

  const [auths, preCalls] = [named("auth"), named("pre_call")];
  const chats = spans.filter((span) => span.attributes["gen_ai.operation.name"] === "chat");
  const guardrails = spans.filter((span) => span.name.startsWith("apply_guardrail "));
  const placed = new Set([root, ...auths, ...preCalls, ...chats, ...guardrails]);
  const attempts = spans
    .filter((span) => !placed.has(span))
    .toSorted((a, b) => Number(a.startNs - b.startNs));

  check(auths.length === 1, "G5", `${auths.length} auth spans`);
  check(preCalls.length <= 1, "G5", `${preCalls.length} pre_call spans`);
  check(
    chats.length === (expected.chat ? 1 : 0),
    "G5",
    `${chats.length} chat spans, expected ${expected.chat ? 1 : 0}`,
  );
  const [auth, chat] = [auths[0], chats[0]];
  if (auth === undefined) throw new Error("G5: no auth span");
  const underRoot = [...auths, ...preCalls, ...chats];
  for (const span of underRoot) {
    check(span.parentSpanId === root.spanId, "G3", `${span.name} is not the root's child`);
  }
  for (const span of [...auths, ...preCalls]) {
    check(span.kind === kinds.internal, "G7", `${span.name} is not INTERNAL`);
  }
  const callSpan = chat ?? root;
  if (chat !== undefined) {
    check(chat.name.startsWith("chat "), "G7", `chat span is named ${chat.name}`);
    check(chat.kind === kinds.client, "G7", "chat is not CLIENT");
  }
  for (const attempt of attempts) {
    check(
      attempt.parentSpanId === callSpan.spanId,
      "G3",
      `${attempt.name} is not the call's child`,
    );
    check(attempt.kind === kinds.client, "G7", `attempt ${attempt.name} is not CLIENT`);
    check(attempt.name === (expected.method ?? "POST"), "G7", `attempt is named ${attempt.name}`);
  }
  for (const guardrail of guardrails) {
    check(
      guardrail.parentSpanId === callSpan.spanId,
      "G3",
      `${guardrail.name} is not the call's child`,
    );
  }
  if (expected.attempts !== undefined) {
    check(attempts.length === expected.attempts, "G5", `${attempts.length} attempts`);
  }
  if (expected.guardrails !== undefined) {
    check(guardrails.length === expected.guardrails, "G5", `${guardrails.length} guardrails`);
  }
  return { root, auth, preCall: preCalls[0], chat, attempts, guardrails };
}

/**
 * The spans of many calls under one caller's span, one list per call. Throws (G3) on a span that belongs to
 * no call: its ancestors do not lead to a child of the caller.
 */
export function splitByCall(
  spans: readonly ReceivedSpan[],
  callerSpanId: string,
): readonly (readonly ReceivedSpan[])[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const calls = new Map<string, ReceivedSpan[]>();
  for (const span of spans) {
    let top = span;
    for (let depth = 0; top.parentSpanId !== callerSpanId; depth++) {
      const parent = byId.get(top.parentSpanId);
      if (parent === undefined || depth > 10) {
        throw new Error(`G3: ${span.name} (${span.spanId}) is in no call's tree`);
      }
      top = parent;
    }
    const call = calls.get(top.spanId);
    if (call === undefined) calls.set(top.spanId, [span]);
    else call.push(span);
  }
  return [...calls.values()];
}
