// Backends: holds what a backend shows of a call against the call's spans as everyspan sent them. Pure.

import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import type { Backend, SeenSpan, SeenTrace } from "./seen-trace.ts";

/** What of the reading depends on how the spans came to the backend. */
export interface Reading {
  /** Attempts made good were sent without their status. */
  readonly unsetsRecovered: boolean;
  /** The root was sent with its parent cut off. */
  readonly cutsParent: boolean;
}

/** What is wrong, one line each; empty when all reads right. */
export function problemsOf(
  seen: SeenTrace,
  sent: readonly ReceivedSpan[],
  ...[backend, reading]: [backend: Backend, reading: Reading]
): string[] {
  const problems: string[] = [];
  const expect = (what: string, actual: unknown, expected: unknown): void => {
    if (actual === expected) return;
    problems.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  };
  expect("spans", seen.spans.length, sent.length);
  const chat = sent.find((span) => span.name.startsWith("chat "));
  const chatFailed = chat?.statusCode === 2;
  let anyError = false;
  for (const span of sent) {
    const shown = seen.spans.find(({ id }) => id === span.spanId);
    if (shown === undefined) {
      problems.push(`${span.name}: absent`);
      continue;
    }
    const isRecovered =
      reading.unsetsRecovered && !chatFailed && isAttempt(span) && chat !== undefined;
    const isError = span.statusCode === 2 && !isRecovered;
    anyError ||= isError;
    const isCut = reading.cutsParent && span.kind === 2;
    expect(`${span.name} name`, shown.name, span.name);
    expect(`${span.name} parent`, shown.parentId, isCut ? "" : span.parentSpanId);
    expect(`${span.name} type`, shown.type, typeOf(span, backend));
    expect(`${span.name} error`, shown.isError, isError);
    if (isError) expect(`${span.name} message`, shown.message, span.statusMessage);
    if (span !== chat) {
      expect(`${span.name} tokens`, shown.tokens, undefined);
      expect(`${span.name} model`, shown.model, undefined);
    } else problems.push(...chatProblems(shown, span, backend));
  }
  const root = sent.find((span) => span.kind === 2);
  expect("trace error", seen.isError, backend.judgesByRoot ? root?.statusCode === 2 : anyError);
  // The caller's own span never comes: whoever waits for it, waits for ever.
  const waits = backend.judgesByRoot && root?.parentSpanId !== "" && !reading.cutsParent;
  expect("trace done", seen.isDone, !waits);
  expect("session", seen.session, root?.attributes["session.id"]);
  expect("user", seen.user, root?.attributes["user.id"]);
  if (chat !== undefined) {
    const tokens = tokenSum(chat);
    if (tokens !== undefined) expect("trace tokens", seen.tokens, tokens);
    problems.push(...contentProblems(seen, chat));
  }
  return problems;
}

function chatProblems(shown: SeenSpan, chat: ReceivedSpan, backend: Backend): string[] {
  const { attributes } = chat;
  const problems: string[] = [];
  const expect = (what: string, actual: unknown, expected: unknown): void => {
    if (actual === expected) return;
    problems.push(`chat ${what}: ${String(actual)} instead of ${String(expected)}`);
  };
  const model = attributes["gen_ai.response.model"] ?? attributes["gen_ai.request.model"];
  expect("model", shown.model, model);
  const count = (name: string): number | undefined => number(attributes[`gen_ai.usage.${name}`]);
  expect("input tokens", shown.tokens?.input, count("input_tokens"));
  expect("output tokens", shown.tokens?.output, count("output_tokens"));
  // None read and none written is the same as not said.
  expect("cache read", shown.tokens?.cacheRead ?? 0, count("cache_read.input_tokens") ?? 0);
  expect("cache write", shown.tokens?.cacheWrite ?? 0, count("cache_write.input_tokens") ?? 0);
  if (backend.showsReasoning) {
    expect("reasoning", shown.tokens?.reasoning ?? 0, count("reasoning.output_tokens") ?? 0);
  }
  if (!backend.hasOwnPrices) expect("cost", rounded(shown.cost), rounded(count("cost")));
  return problems;
}

/** What was recorded of the messages stands on the trace, where people look first. */
function contentProblems(seen: SeenTrace, { attributes }: ReceivedSpan): string[] {
  return (["input", "output"] as const).flatMap((side) => {
    const shown = seen[side];
    const said = firstText(attributes[`gen_ai.${side}.messages`]);
    if (said === undefined) {
      return shown === undefined ? [] : [`trace ${side}: ${shown}, though nothing was recorded`];
    }
    return shown?.includes(said) === true ? [] : [`trace ${side}: ${shown} without "${said}"`];
  });
}

function firstText(messages: unknown): string | undefined {
  if (typeof messages !== "string") return undefined;
  return /"content":"([^"\\]+)"/.exec(messages)?.[1];
}

function typeOf(span: ReceivedSpan, backend: Backend): string {
  if (span.name.startsWith("chat ")) return backend.chatType;
  return span.name.startsWith("apply_guardrail") ? "guardrail" : "chain";
}

function isAttempt(span: ReceivedSpan): boolean {
  return span.kind === 3 && !/^(?:chat |apply_guardrail)/.test(span.name);
}

function tokenSum({ attributes }: ReceivedSpan): number | undefined {
  const input = number(attributes["gen_ai.usage.input_tokens"]);
  const output = number(attributes["gen_ai.usage.output_tokens"]);
  return input === undefined ? undefined : input + (output ?? 0);
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function rounded(cost: number | undefined): number | undefined {
  return cost === undefined ? undefined : Math.round(cost * 1e10) / 1e10;
}
