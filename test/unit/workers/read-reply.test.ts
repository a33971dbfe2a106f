import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import type { CallGuardrails } from "../../../src/workers/call-guardrails.ts";
import type { CallResult, WorkerMessage } from "../../../src/protocol/call-task.ts";
import { readReply } from "../../../src/workers/read-reply.ts";
import { createTestCall } from "../../support/call-states.ts";

const jsonType = { "content-type": "application/json" };
const completion = JSON.stringify({
  id: "c1",
  model: "gpt-4o-mini",
  choices: [{ index: 0, finish_reason: "stop", message: { content: "hi" } }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
});

/** Reads one answer of a provider's, and keeps what was posted and what became of the connection. */
async function read(
  response: Response,
  changes: Parameters<typeof createTestCall>[0] = {},
): Promise<{ result: CallResult; posted: WorkerMessage[]; done: readonly string[] }> {
  const posted: WorkerMessage[] = [];
  const post = (message: WorkerMessage): void => void posted.push(message);
  const call = createTestCall(changes, { post });
  const attempt = call.attempt(response);
  const result = await readReply(call.state, attempt, call.deps);
  return { result, posted, done: attempt.done };
}

function guardrails(checkReply: (text: string) => string): CallGuardrails {
  return {
    checksReplies: true,
    passGate: () => Promise.resolve(),
    checkReply: async (text: string) => checkReply(text),
    close: () => undefined,
    note: () => "",
    cause: () => undefined,
  } as unknown as CallGuardrails;
}

/** All that was passed on, with what waits for the commit. */
function textOf(posted: readonly WorkerMessage[]): string {
  const textIn = (message: WorkerMessage): string => ("text" in message ? message.text : "");
  const lastIn = (message: WorkerMessage): string => ("last" in message ? message.last : "");
  return posted.map((message) => textIn(message) + lastIn(message)).join("");
}

/** A body in chunks, without a length. */
function streamed(chunks: readonly (string | Uint8Array)[], end: "closes" | "breaks" = "closes") {
  const rest = chunks.map((chunk) => Buffer.from(chunk as string));
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = rest.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (end === "closes") controller.close();
      else controller.error(Object.assign(new Error("cut"), { code: "ECONNRESET" }));
    },
  });
}

describe("a reply of JSON", () => {
  test("is read whole, with its usage", async () => {
    for (const body of [completion, streamed([completion.slice(0, 9), completion.slice(9)])]) {
      const { result } = await read(new Response(body, { headers: jsonType }));
      expect(result).toMatchObject({
        kind: "reply",
        status: 200,
        body: completion,
        outcome: { inputTokens: 3, outputTokens: 2 },
      });
    }
  });

  test.each(["[1]", "null", "<html>", '{"cut'])(
    "that is no object (%s) is no answer to a call that generates",
    (body) => {
      const reading = read(new Response(body, { headers: jsonType }));
      expect(reading).rejects.toMatchObject({ code: "provider_invalid" });
    },
  );

  test("that is an error passes as it came, whatever it is", async () => {
    const { result } = await read(new Response("<html>", { status: 502, headers: jsonType }));
    const outcome = { errorType: "502" };
    expect(result).toMatchObject({ kind: "reply", status: 502, body: "<html>", outcome });
  });

  test("that breaks off says so", () => {
    const body = streamed([completion.slice(0, 9)], "breaks");
    const reading = read(new Response(body, { headers: jsonType }));
    expect(reading).rejects.toMatchObject({ code: "provider_cut" });
  });

  test("too large to be held flows through, and is refused where it would be checked", async () => {
    const chunk = new Uint8Array(1024 * 1024).fill(32);
    const large = () =>
      new Response(streamed(Array.from({ length: 34 }, () => chunk)), { headers: jsonType });
    const window = { ready: () => undefined, spend: () => undefined, close: () => undefined };
    const passed = await read(large(), { window: { ...window, credit: () => undefined } });
    expect(passed.result.kind).toBe("streamed");
    expect(passed.posted[0]).toMatchObject({ kind: "head", status: 200 });
    const call = createTestCall({ guardrails: guardrails((text) => text) });
    const attempt = call.attempt(large());
    expect(readReply(call.state, attempt, call.deps)).rejects.toMatchObject({
      code: "guardrail_failed",
    });
  });

  test("whose length is known has its time anew whenever some of it arrives", async () => {
    const padding = " ".repeat(200_000);
    const headers = { ...jsonType, "content-length": String(completion.length + padding.length) };
    const pieces = [padding.slice(0, 99_999), padding.slice(99_999), completion];
    const { done } = await read(new Response(streamed(pieces), { headers }));
    expect(done.filter((what) => what === "expect more").length).toBeGreaterThan(pieces.length);
    // So short a body is read in one go, for which it has as long as for its head.
    const short = { ...jsonType, "content-length": String(completion.length) };
    const once = await read(new Response(completion, { headers: short }));
    expect(once.done).toEqual(["expect more", "settle"]);
  });

  test("that begins with a byte order mark passes as it came", async () => {
    const marked = `\ufeff${completion}`;
    const { result } = await read(new Response(marked, { headers: jsonType }));
    const outcome = { inputTokens: 3, outputTokens: 2 };
    expect(result).toMatchObject({ kind: "reply", status: 200, body: marked, outcome });
  });

  test("whose length is that of compressed bytes is not trusted to be as short", async () => {
    const announced = String(gzipSync(completion).length);
    const headers = { ...jsonType, "content-encoding": "gzip", "content-length": announced };
    const response = new Response(streamed([completion]), { headers });
    // Only a body that is read by the chunk can be stopped.
    const arrayBuffer = () => Promise.reject(new Error("read whole"));
    Object.defineProperty(response, "arrayBuffer", { value: arrayBuffer });
    expect((await read(response)).result).toMatchObject({ kind: "reply", body: completion });
  });
});

describe("a reply under guardrails", () => {
  test("is what they made of it", async () => {
    const checks = guardrails((text) => text.replace("hi", "**"));
    const { result } = await read(new Response(completion, { headers: jsonType }), {
      guardrails: checks,
    });
    expect(result).toMatchObject({ kind: "reply", body: completion.replace("hi", "**") });
  });

  test("that they refuse is paid for all the same", async () => {
    const checks = guardrails(() => {
      throw new GatewayError("guardrail_blocked", "refused");
    });
    const { result } = await read(new Response(completion, { headers: jsonType }), {
      guardrails: checks,
    });
    expect(result).toMatchObject({
      kind: "failed",
      code: "guardrail_blocked",
      outcome: { inputTokens: 3, outputTokens: 2 },
    });
  });
});

describe("a reply of anything else", () => {
  const bytes = { "content-type": "audio/mpeg" };
  const forwarded = { facts: undefined, chat: undefined };

  test("flows through, the last of it with the end", async () => {
    const body = streamed(["ab", "c\xff"]);
    const { result, posted } = await read(new Response(body, { headers: bytes }), forwarded);
    expect(result.kind).toBe("streamed");
    expect([posted[0]?.kind, posted.at(-1)?.kind]).toEqual(["head", "end"]);
    expect(textOf(posted)).toBe("abc\xc3\xbf");
    expect(posted.at(-1)).toMatchObject({ errorCode: "", last: "c\xc3\xbf" });
  });

  test("that breaks off before any of it has left is a refusal", async () => {
    const body = streamed(["ab"], "breaks");
    const { result, posted } = await read(new Response(body, { headers: bytes }), forwarded);
    expect(result).toMatchObject({ kind: "failed", code: "provider_cut" });
    expect(posted).toEqual([]);
  });

  test("that breaks off later ends with the error", async () => {
    const body = streamed(["ab", "cd"], "breaks");
    const { result, posted } = await read(new Response(body, { headers: bytes }), forwarded);
    expect(result.kind).toBe("streamed");
    expect(posted.at(-1)).toMatchObject({ kind: "end", errorCode: "provider_cut" });
  });
});
