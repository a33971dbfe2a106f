// The guardrails of one call, stage by stage: what they are shown of request and reply, and what their
// verdicts do to the call. Worker threads; made when a guarded call starts, closed when it is finished.

import { rewriteReply, rewriteRequest } from "../apischema/guarded-rewrite.ts";
import { assertOneReading } from "../apischema/one-reading.ts";
import { readReplyToolCalls, readRequestContent } from "../apischema/request-content.ts";
import type { RequestContent } from "../apischema/request-content.ts";
import { readReplyTexts } from "../apischema/reply-texts.ts";
import { slotTexts } from "../apischema/slot-edits.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { ErrorCode } from "../errors/gateway-error.ts";
import { binaryToUtf8, utf8ToBinary } from "../protocol/binary-string.ts";
import type { CheckedContent, ChosenGuardrail, StageDeps } from "./guardrail-stage.ts";
import { createGuardrailStage } from "./guardrail-stage.ts";
import type { GuardrailStage } from "./guardrail-stage.ts";
import { createHeldFrames } from "./guardrails/held-frames.ts";
import type { HeldFrames } from "./guardrails/held-frames.ts";
import type { Stage } from "./guardrails/guardrail.ts";

export interface CallGuardrails {
  /** Runs `pre_call`, begins `during_call`. Resolves with the body as it may go to the provider. */
  readonly checkRequest: (body: string) => Promise<string>;
  /** To be awaited before anything of the reply leaves: the verdict of `during_call`. */
  readonly passGate: () => Promise<void>;
  readonly checksReplies: boolean;
  /** Runs `post_call` on a whole reply. Resolves with the body as it may go to the client. */
  readonly checkReply: (body: string) => Promise<string>;
  /** Runs `post_call` on a stream, window by window. */
  readonly holdStream: () => HeldFrames;
  /** What ended the call, where `error` is only what came of it. */
  readonly cause: (error: unknown) => unknown;
  /** What a span may say of a verdict that ended the call; empty when none has. */
  readonly note: () => string;
  /** Ends the spans, and what is still being asked. */
  readonly close: () => void;
}

export interface CallGuardrailsDeps extends Omit<StageDeps, "cancelled" | "note"> {
  readonly api: "openai" | "anthropic";
  readonly chosen: readonly ChosenGuardrail[];
  /** Ends the provider call. */
  readonly cancel: (code: ErrorCode) => void;
  readonly onCancel: (listener: () => void) => void;
}

export function createCallGuardrails(deps: CallGuardrailsDeps): CallGuardrails {
  const { api, chosen } = deps;
  const controller = new AbortController();
  deps.onCancel(() => controller.abort());
  let note = "";
  const stageDeps: StageDeps = {
    ...deps,
    cancelled: controller.signal,
    note(message) {
      note = message;
    },
  };
  const begun: GuardrailStage[] = [];
  function begin(name: Stage): GuardrailStage | undefined {
    const own = chosen.filter(({ ready }) => ready.config.modes.includes(name));
    if (own.length === 0) return undefined;
    const stage = createGuardrailStage(name, own, stageDeps);
    begun.push(stage);
    return stage;
  }

  const replies = chosen.filter(({ ready }) => ready.config.modes.includes("post_call"));
  let refusal: Error | undefined;
  let gate: Promise<void> | undefined;
  let replyStage: GuardrailStage | undefined;

  async function runDuring(stage: GuardrailStage, content: CheckedContent): Promise<void> {
    try {
      await stage.check(content);
    } catch (error) {
      refusal = error instanceof Error ? error : new Error(String(error));
      deps.cancel(error instanceof GatewayError ? error.code : "internal");
    }
  }

  async function checkRequest(body: string): Promise<string> {
    const before = begin("pre_call");
    const original = readRequest(api, body);
    let sent = body;
    if (before !== undefined && hasContent(original)) {
      const rewritten = await before.check({
        ...shownOf(original),
        rebuild: (so) => shownOf(readRequest(api, rewriteRequest(body, original, so))),
      });
      sent = rewriteRequest(body, original, rewritten);
    }
    const beside = begin("during_call");
    if (beside === undefined) return sent;
    const content = sent === body ? original : readRequest(api, sent);
    if (hasContent(content)) gate = runDuring(beside, shownOf(content));
    return sent;
  }

  return {
    checkRequest,
    async passGate() {
      await gate;
      if (refusal !== undefined) throw refusal;
      replyStage = begin("post_call");
    },
    checksReplies: replies.length > 0,
    async checkReply(body) {
      assertOneReading(body);
      const found = readReplyTexts(JSON.parse(body));
      const toolCalls = readReplyToolCalls(api, JSON.parse(body));
      const content: CheckedContent = {
        texts: slotTexts(found.slots),
        images: found.images.map(({ image }) => image),
        tools: [],
        toolCalls,
        messages: [],
        final: true,
      };
      if (replyStage === undefined || isEmpty(content)) return body;
      return rewriteReply(body, found, await replyStage.check(content));
    },
    holdStream() {
      const settings = replies.map(({ ready }) => ready.config.stream);
      return createHeldFrames({
        api,
        holdbackChars: Math.max(...replies.map(({ ready }) => ready.holdbackChars)),
        windowChars: Math.min(...settings.map(({ windowChars }) => windowChars)),
        windowMs: Math.min(...settings.map(({ windowMs }) => windowMs)),
        whole: settings.some(({ mode }) => mode === "whole"),
        nowMs: deps.nowMs,
        decode: binaryToUtf8,
        encode: utf8ToBinary,
        async check(shown) {
          if (replyStage === undefined) return shown;
          return replyStage.check({ ...shown, tools: [], toolCalls: [], messages: [] });
        },
      });
    },
    cause: (error) => refusal ?? error,
    note: () => note,
    close() {
      controller.abort();
      for (const stage of begun) stage.end();
    },
  };
}

/** The server has refused bodies with a key twice in one object: what is read here is what a model reads. */
function readRequest(api: "openai" | "anthropic", body: string): RequestContent {
  return readRequestContent(api, JSON.parse(body));
}

function shownOf(content: RequestContent): CheckedContent {
  return {
    texts: slotTexts(content.slots),
    images: content.images.map(({ image }) => image),
    tools: content.tools,
    toolCalls: content.toolCalls,
    messages: content.messages,
    final: true,
  };
}

function hasContent(content: RequestContent): boolean {
  return !isEmpty(shownOf(content));
}

function isEmpty({ texts, images, toolCalls }: CheckedContent): boolean {
  return texts.length + images.length + toolCalls.length === 0;
}
