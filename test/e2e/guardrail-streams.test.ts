// Streams under guardrails, over a real gateway: a phrase cut at every byte never leaves even in part, masks
// span windows, a block in mid-stream is an error event, the provider is cancelled, the usage so far kept.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Script } from "../../src/demo/provider-script.ts";
import { apiBody, defaultModels, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiRoute } from "../support/api-calls.ts";
import { assertWholeTrace, kinds } from "../support/trace-assertions.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

const word = "Project Nachtigall";
const before =
  "This is what may be read by everybody, and there is quite a lot of it to be read. ".repeat(3);
const after = " And this comes behind it, for as long as anybody cares to listen. ".repeat(6);
const text = `${before}${word}${after}`;
const masked = `${before}[codename]${after}[codename]`;

const named: Record<string, Script> = {
  whole: { text, chunks: 40, chunkDelayMs: 0 },
  late: { text, chunks: 120, chunkDelayMs: 10 },
  masks: { text: text + word, chunks: 60, chunkDelayMs: 0 },
  early: { text: word + after, chunks: 30, chunkDelayMs: 2 },
  clean: { text: before + after, chunks: 40, chunkDelayMs: 1 },
  empty: { text: "", chunks: 0 },
  cut: { text: before + after, chunks: 40, chunkDelayMs: 1, cutAfterChunks: 30 },
};
const patterns = [{ name: "codename", regex: word }];
/** The scripted model calls its tools with this city in two pieces. */
const town = [{ name: "town", regex: "Zürich" }];

let outside: TracedGateway;
beforeAll(async () => {
  outside = await startTracedGateway({
    provider: { named },
    config: () => ({
      pool: { threads: 2 },
      guardrails: [
        { name: "blocker", type: "pattern", modes: ["post_call"], patterns, action: "block" },
        { name: "masker", type: "pattern", modes: ["post_call"], patterns, action: "mask" },
        { name: "town-blocker", type: "pattern", modes: ["post_call"], patterns: town },
        {
          name: "town-masker",
          type: "pattern",
          modes: ["post_call"],
          patterns: town,
          action: "mask",
        },
        { name: "whole", type: "pattern", modes: ["post_call"], patterns, stream: "whole" },
      ],
    }),
  });
});
afterAll(async () => {
  await outside.stop();
});

interface Streamed {
  readonly status: number;
  readonly body: string;
  readonly traceId: string;
}

async function stream(
  route: ApiRoute,
  guardrail: string,
  script: string | Script,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<Streamed> {
  const model =
    typeof script === "string" ? `${defaultModels[route]}!${script}` : defaultModels[route];
  const response = await fetch(outside.gateway.url + route, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-everyspan-guardrails": guardrail,
      ...(typeof script === "string" ? {} : { "x-script": JSON.stringify(script) }),
    },
    body: apiBody({ route, stream: true, model, fields }),
  });
  const body = await response.text();
  return { status: response.status, body, traceId: response.headers.get("x-trace-id") ?? "" };
}

describe.each(routes)("%s", (route) => {
  test("a block in mid-stream is an error event, cancels the provider and keeps the usage so far", async () => {
    const { status, body, traceId } = await stream(route, "blocker", "late");
    expect(status).toBe(200);
    const reply = readApiReply(route, body);
    expect(reply.errorType).toBe("invalid_request_error");
    expect(reply.ended).toBe(false);
    expect(before.startsWith(reply.text)).toBe(true);
    expect(reply.text.length).toBeGreaterThan(0);
    expect(body).toContain("guardrail blocker blocked the call: matches codename");
    expect(body.includes("event: error")).toBe(route === "/v1/messages");

    const tree = assertWholeTrace(await outside.trace(traceId), {
      route,
      chat: true,
      attempts: 1,
      guardrails: 1,
    });
    const span = tree.guardrails[0]!;
    expect(span.kind).toBe(kinds.internal);
    expect(span.attributes["everyspan.guardrail.verdict"]).toBe("block");
    expect(span.attributes["gen_ai.guardrail.risk.category"]).toBe("codename");
    expect(Number(span.attributes["everyspan.guardrail.windows"])).toBeGreaterThan(1);
    expect(tree.chat?.attributes["error.type"]).toBe("guardrail_blocked");
    if (route === "/v1/messages") {
      expect(tree.chat?.attributes["gen_ai.usage.input_tokens"]).toBeNumber();
    }
    const request = outside.provider.requests.find(({ headers }) =>
      headers["traceparent"]?.includes(traceId),
    );
    await waitFor(() => request?.aborted, 5000, "the provider being cancelled");
  });

  test("a block before the first byte is a plain 400", async () => {
    const { status, body, traceId } = await stream(route, "blocker", "early");
    expect(status).toBe(400);
    expect(body).toContain("guardrail blocker blocked the call");
    const tree = assertWholeTrace(await outside.trace(traceId), {
      route,
      chat: true,
      guardrails: 1,
    });
    expect(tree.chat?.attributes["error.type"]).toBe("guardrail_blocked");
  });

  test("held whole, a block is a plain 400 wherever it is", async () => {
    const { status, body } = await stream(route, "whole", "whole");
    expect(status).toBe(400);
    expect(body).not.toContain("This is what");
  });

  test("masks that span windows rewrite exactly the phrase", async () => {
    const { status, body, traceId } = await stream(route, "masker", "masks");
    expect(status).toBe(200);
    const reply = readApiReply(route, body);
    expect(reply.text).toBe(masked);
    expect(reply.ended).toBe(true);
    const { guardrails } = assertWholeTrace(await outside.trace(traceId), { route, chat: true });
    expect(guardrails[0]?.attributes["everyspan.guardrail.verdict"]).toBe("mask");
    expect(guardrails[0]?.attributes["everyspan.guardrail.masked_entities"]).toEqual([
      "codename:2",
    ]);
  });

  test("what is allowed is byte for byte what comes without a guardrail", async () => {
    const guarded = await stream(route, "blocker,masker,whole", "clean");
    const free = await stream(route, "", "clean");
    const plain = (body: string): string =>
      body.replace(/(?:chatcmpl-|msg_)\d+/g, "ID").replace(/"\w+_tokens":\d+/g, "N");
    expect(plain(guarded.body)).toBe(plain(free.body));
  });

  test("a stream that breaks off raises, and has its guardrail's span", async () => {
    const { body, traceId } = await stream(route, "blocker", "cut");
    expect(readApiReply(route, body).errorType).toBeString();
    const tree = assertWholeTrace(await outside.trace(traceId), {
      route,
      chat: true,
      guardrails: 1,
    });
    expect(tree.chat?.attributes["error.type"]).toBe("provider_cut");
  });

  test("a stream without a text has a span that says that nothing was checked", async () => {
    const { status, traceId } = await stream(route, "blocker", "empty");
    expect(status).toBe(200);
    const { guardrails } = assertWholeTrace(await outside.trace(traceId), { route, chat: true });
    expect(guardrails[0]?.attributes["everyspan.guardrail.verdict"]).toBe("not_run");
  });

  test("a phrase in tool-call arguments is blocked too, and masked so that they stay JSON", async () => {
    const fields = weatherTools(route);
    const refused = await stream(route, "town-blocker", {}, fields);
    expect(refused.status).toBe(400);
    expect(refused.body).toContain("guardrail town-blocker blocked the call: matches town");
    const { status, body } = await stream(route, "town-masker", {}, fields);
    expect(status).toBe(200);
    expect(JSON.parse(argumentsOf(body))).toMatchObject({ city: "[town]" });
  });
});

/** One tool, which the scripted model calls. */
function weatherTools(route: ApiRoute): Readonly<Record<string, unknown>> {
  const parameters = { type: "object", properties: { city: { type: "string" } } };
  return route === "/v1/messages"
    ? { tools: [{ name: "weather", input_schema: parameters }] }
    : { tools: [{ type: "function", function: { name: "weather", parameters } }] };
}

/** The argument deltas of a stream with one tool call, put together. */
function argumentsOf(body: string): string {
  const lines = body.split("\n").filter((line) => line.startsWith("data: {"));
  return lines
    .map((line) => {
      const event = JSON.parse(line.slice(6)) as {
        readonly delta?: { readonly partial_json?: string };
        readonly choices?: readonly {
          readonly delta: {
            readonly tool_calls?: readonly { readonly function: { readonly arguments: string } }[];
          };
        }[];
      };
      const call = event.choices?.[0]?.delta.tool_calls?.[0];
      return event.delta?.partial_json ?? call?.function.arguments ?? "";
    })
    .join("");
}

describe("a phrase cut at every byte", () => {
  for (const route of routes) {
    test(`never leaves in tool-call arguments: ${route}`, async () => {
      const sizes = Array.from({ length: 60 }, (_, at) => at + 1);
      const replies = await Promise.all(
        sizes.map((splitBytes) =>
          stream(route, "town-blocker", { splitBytes, chunkDelayMs: 0 }, weatherTools(route)),
        ),
      );
      for (const { status, body } of replies) {
        expect(status).toBe(400);
        expect(body).not.toContain("Zü");
      }
    });

    test(`never leaves even in part: ${route}`, async () => {
      const lead = "A few words that come first and may be read by all. ";
      const tail = " and a few more, which nobody gets to see any more at all, not one.";
      const sizes = Array.from({ length: 60 }, (_, at) => at + 1);
      const replies = await Promise.all(
        sizes.map((splitBytes) =>
          stream(route, "blocker", {
            text: lead.repeat(3) + word + tail,
            chunks: 20 + (splitBytes % 7) * 10,
            splitBytes,
            chunkDelayMs: 0,
          }),
        ),
      );
      for (const { body } of replies) {
        const reply = readApiReply(route, body);
        expect(reply.errorType).toBe("invalid_request_error");
        expect(lead.repeat(3).startsWith(reply.text)).toBe(true);
        expect(body).not.toContain("Nachtigall");
      }
    });
  }
});
