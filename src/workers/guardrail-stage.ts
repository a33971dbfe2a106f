// One stage of one call: its guardrails in the order of the configuration, each with the one span it has in
// this stage, and what their verdicts come to. Worker threads. Whatever happens, every one of them has a
// span that says what became of it, and texts are on none unless content is captured.

import { boundedJson } from "../apischema/message-parts.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { ErrorCode } from "../errors/gateway-error.ts";
import type { Span } from "../tracing/recorder/call-spans.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import { portOf } from "./upstream.ts";
import type { GuardrailInput, Stage } from "./guardrails/guardrail.ts";
import { judge } from "./guardrail-judge.ts";
import type { Judgement } from "./guardrail-judge.ts";
import type { ReadyGuardrail } from "./guardrail-table.ts";
import { maskChanges, maskedCounts } from "./mask-changes.ts";
import type { MaskedCount } from "./mask-changes.ts";

/** A guardrail of a call; `extra` is what the caller added for it. */
export interface ChosenGuardrail {
  readonly ready: ReadyGuardrail;
  readonly extra: Readonly<Record<string, unknown>>;
}

/** What is checked; the rest of a guardrail's input is the call's. */
export interface CheckedContent extends Pick<
  GuardrailInput,
  "texts" | "images" | "tools" | "toolCalls" | "messages" | "final"
> {
  /** Of a stream: which of its texts each is, for one is shown again in many a window. */
  readonly sources?: readonly number[];
  /** What the next guardrail is shown, after a mask, of all that is not in `RewrittenContent`. */
  readonly rebuild?: (rewritten: RewrittenContent) => CheckedContent;
  /** The tools that a guardrail put in place of those sent. */
  readonly replacedTools?: readonly unknown[];
}
export interface RewrittenContent extends Pick<CheckedContent, "texts" | "images"> {
  /** Absent: as they were. */
  readonly tools?: readonly unknown[];
}

export interface StageDeps {
  readonly call: Omit<GuardrailInput, keyof CheckedContent | "stage" | "extra">;
  readonly startSpan: (name: string, kind: SpanKind) => Span;
  readonly endSpan: (span: Span) => void;
  readonly failSpan: (span: Span, errorType: string, message: string) => void;
  readonly nowMs: () => number;
  readonly cancelled: AbortSignal;
  /** Why the call was cancelled, once it is. */
  readonly cancelCode: () => ErrorCode | undefined;
  /** How many chars of texts go on a span; 0: none. */
  readonly contentChars: number;
  /** Told what a span may say of the error that is thrown: reasons may quote texts. */
  readonly note: (message: string) => void;
}

export interface GuardrailStage {
  /**
   * Runs all of them; each sees what those before it made of the texts.
   *
   * @throws GatewayError `guardrail_blocked`, `guardrail_failed`, `client_disconnected`
   */
  readonly check: (content: CheckedContent) => Promise<RewrittenContent>;
  /** Ends the spans. If nothing was checked at all, they are there to say so. */
  readonly end: () => void;
}

/** For a client and a span; whoever says more says something else than a reason. */
const reasonCharsMax = 1024;
/** Of a category, and of a kind of what was masked; of the kinds so many are named. */
const wordCharsMax = 256;
const kindsMax = 64;

/** Strongest last. */
const strength = ["not_run", "cancelled", "allow", "mask", "failed", "block"] as const;
type SpanVerdict = (typeof strength)[number];

interface Run extends ChosenGuardrail {
  span: Span | undefined;
  verdict: SpanVerdict;
  asked: boolean;
  windows: number;
  durationMs: number;
  /** By kind and by the text it was in. */
  readonly masked: Map<string, Map<number | string, number>>;
}

export function createGuardrailStage(
  stage: Stage,
  chosen: readonly ChosenGuardrail[],
  deps: StageDeps,
): GuardrailStage {
  const runs: Run[] = chosen.map((guardrail) => ({
    ...guardrail,
    span: undefined,
    verdict: "not_run",
    asked: false,
    windows: 0,
    durationMs: 0,
    masked: new Map(),
  }));

  function spanOf(run: Run): Span {
    return (run.span ??= startSpan(run, stage, deps));
  }

  function endRun(run: Run): void {
    const span = spanOf(run);
    // Asked, and the call was over before the answer.
    if (run.windows === 0 && run.asked) run.verdict = "cancelled";
    span.attributes[attr.guardrailVerdict] = run.verdict;
    span.attributes[attr.guardrailWindows] = run.windows;
    span.attributes[attr.guardrailDuration] = run.durationMs / 1000;
    if (run.masked.size > 0) {
      const counts = [...run.masked].map(
        ([name, bySource]) => [name, bySource.values().reduce((sum, n) => sum + n, 0)] as const,
      );
      span.attributes[attr.guardrailMaskedCount] = counts.reduce((sum, [, n]) => sum + n, 0);
      span.attributes[attr.guardrailMaskedEntities] = counts
        .slice(0, kindsMax)
        .map(([name, n]) => `${name.slice(0, wordCharsMax)}:${n}`);
    }
    deps.endSpan(span);
  }

  async function runOne(run: Run, content: CheckedContent): Promise<CheckedContent> {
    const span = spanOf(run);
    const startedMs = deps.nowMs();
    run.asked = true;
    const { rebuild, replacedTools: before, sources, ...shown } = content;
    const input = { ...deps.call, ...shown, stage, extra: run.extra };
    const judged = await judge(run.ready, input, deps.cancelled);
    const changed = judged.action === "mask" ? maskChanges(judged, shown) : [];
    const judgement = forStage(judged, stage, changed);
    run.durationMs += deps.nowMs() - startedMs;
    run.windows++;
    if (strength.indexOf(judgement.action) > strength.indexOf(run.verdict)) {
      run.verdict = judgement.action;
    }
    captureTexts(span, { judgement, run, texts: shown.texts }, deps);
    const changes = apply(judgement, { run, span }, deps);
    if (judgement.action === "mask") countMasked(run, maskedCounts(judgement, changed), sources);
    if (content.final) endRun(run);
    if (changes === undefined) return content;
    const { texts, images } = { ...content, ...changes };
    const replacedTools = changes.tools ?? before;
    const kept = { texts, images, ...(replacedTools && { replacedTools }) };
    // Of a long conversation it costs a second: only where somebody else is to be shown it.
    if (rebuild === undefined || run === runs.at(-1)) return { ...content, ...kept };
    return { ...rebuild(rewrittenOf(kept)), ...kept, rebuild };
  }

  return {
    async check(content) {
      let current = content;
      for (const run of runs) current = await runOne(run, current);
      return rewrittenOf(current);
    },
    end() {
      const begun = runs.filter(({ span }) => span !== undefined);
      for (const run of begun.length === 0 ? runs : begun) endRun(run);
    },
  };
}

function rewrittenOf({
  texts,
  images,
  replacedTools: tools,
}: Pick<CheckedContent, "texts" | "images" | "replacedTools">): RewrittenContent {
  return { texts, images, ...(tools && { tools }) };
}

function startSpan({ ready }: Run, stage: Stage, deps: StageDeps): Span {
  const { config, remote } = ready;
  const kind = remote === undefined ? SpanKind.internal : SpanKind.client;
  const span = deps.startSpan(`apply_guardrail ${config.name}`, kind);
  span.attributes[attr.operationName] = "apply_guardrail";
  span.attributes[attr.guardrailName] = config.name;
  span.attributes[attr.guardrailType] = config.type;
  span.attributes[attr.guardrailStage] = stage;
  if (remote !== undefined) {
    span.attributes[attr.serverAddress] = remote.hostname;
    span.attributes[attr.serverPort] = portOf(remote);
  }
  return span;
}

/** Beside the provider call nothing can be rewritten any more: what would have been masked is refused. */
function forStage(judgement: Judgement, stage: Stage, changed: readonly MaskedCount[]): Judgement {
  if (judgement.action !== "mask") return judgement;
  if (changed.length === 0) return { action: "allow" };
  if (stage !== "during_call") return judgement;
  const reason = "it would rewrite the request, which during_call cannot";
  return { action: "block", reason, category: "rewrite" };
}

/** What the verdict changes. Throws where it ends the call. */
function apply(
  judgement: Judgement,
  { run, span }: { readonly run: Run; readonly span: Span },
  deps: StageDeps,
): Partial<RewrittenContent> | undefined {
  const { config } = run.ready;
  const named = `guardrail ${config.name}`;
  switch (judgement.action) {
    case "allow":
      return undefined;
    case "mask": {
      const { texts, images, tools } = judgement;
      return { texts, ...(images && { images }), ...(tools && { tools }) };
    }
    case "block": {
      const category = judgement.category.slice(0, wordCharsMax);
      span.attributes[attr.guardrailRiskCategory] = category;
      // A pattern's reason is made of names; any other may quote what was said.
      if (config.type === "pattern" || deps.contentChars > 0) {
        span.attributes[attr.guardrailReason] = judgement.reason.slice(0, reasonCharsMax);
      }
      deps.note(`${named} blocked the call (${category})`);
      throw new GatewayError(
        "guardrail_blocked",
        `${named} blocked the call: ${judgement.reason.slice(0, reasonCharsMax)}`,
      );
    }
    case "failed": {
      const nobody = judgement.cause !== "error" && config.type === "generic_api";
      const policy = nobody ? config.unreachable : config.onError;
      span.attributes[attr.guardrailFailureAction] = policy;
      deps.failSpan(span, judgement.cause, judgement.message);
      if (policy === "allow") return undefined;
      const message = `${named} could not check the call: ${judgement.message}`;
      deps.note(message);
      throw new GatewayError("guardrail_failed", message);
    }
    case "cancelled":
      throw new GatewayError(
        deps.cancelCode() ?? "client_disconnected",
        "the call ended before it was checked",
      );
  }
}

/** Adds up what was masked. What is shown again with a later window is not counted again. */
function countMasked(
  run: Run,
  masked: readonly MaskedCount[],
  sources: readonly number[] | undefined,
): void {
  for (const { kind, count, text } of masked) {
    const bySource = run.masked.get(kind) ?? new Map<number | string, number>();
    const source =
      typeof text === "number"
        ? (sources?.[text] ?? text)
        : text === "new"
          ? `${run.windows}`
          : text;
    bySource.set(source, Math.max(bySource.get(source) ?? 0, count));
    run.masked.set(kind, bySource);
  }
}

/**
 * What was masked as it was masked, and what was blocked, which no `chat` span shows. What a pattern
 * blocks is a secret as a rule, and what was allowed is on the `chat` span.
 */
function captureTexts(
  { attributes }: Span,
  asked: { readonly judgement: Judgement; readonly run: Run; readonly texts: readonly string[] },
  { contentChars }: StageDeps,
): void {
  if (contentChars === 0) return;
  const { judgement, run, texts } = asked;
  const shown = (list: readonly string[]): string => boundedJson(list, contentChars);
  if (judgement.action === "mask") attributes[attr.guardrailOutput] = shown(judgement.texts);
  if (judgement.action === "block" && run.ready.config.type !== "pattern") {
    attributes[attr.guardrailInput] = shown(texts);
  }
}
