// Many calls under one caller's span: where other gateways cross-wire, drop or merge spans. Each call must
// have its own whole subtree, with its own usage and response id.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { callOfResponseId, usageOfCall } from "../../src/demo/provider-usage.ts";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiCall, ApiReply } from "../support/api-calls.ts";
import { rawPost } from "../support/raw-client.ts";
import { assertWholeTrace, splitByCall } from "../support/trace-assertions.ts";
import { newCallerSpan, type CallerSpan } from "../support/trace-context.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

const calls = 1000;

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway();
});
afterAll(async () => {
  await traced?.stop();
});

interface Answered {
  readonly call: ApiCall;
  readonly said: ApiReply;
  readonly traceId: string | undefined;
}

/** Every mix of route, stream and metadata in turn. */
function nthCall(n: number): ApiCall {
  return {
    route: routes[n % 2] ?? "/v1/messages",
    stream: (n & 2) === 2,
    metadata: (n & 4) === 4 ? "user_id" : "absent",
    prompt: `call ${n}`,
  };
}

async function answer(call: ApiCall, caller: CallerSpan): Promise<Answered> {
  const headers = Object.entries(caller.headers);
  const posted = await rawPost(traced.gateway.url + call.route, apiBody(call), headers);
  const reply = await posted.reply;
  if (reply.status !== 200 || !reply.complete) {
    throw new Error(`${reply.status}, complete: ${reply.complete}: ${reply.body.slice(0, 300)}`);
  }
  const said = readApiReply(call.route, reply.body);
  return { call, said, traceId: reply.headers["x-trace-id"] };
}

/** Waits for `count` roots under the caller's span and checks each call's subtree against its reply. */
async function checkSubtrees(caller: CallerSpan, answers: readonly Answered[]): Promise<void> {
  const ofCaller = (span: ReceivedSpan): boolean => span.traceId === caller.traceId;
  const spans = await traced.receiver.waitForSpans(
    (all) => all.filter((span) => ofCaller(span) && span.kind === 2).length >= answers.length,
    30_000,
  );
  const subtrees = splitByCall(spans.filter(ofCaller), caller.spanId);
  expect(subtrees).toHaveLength(answers.length);
  const byResponse = new Map(answers.map((answered) => [answered.said.id, answered]));
  expect(byResponse.size).toBe(answers.length);
  for (const subtree of subtrees) {
    const chat = subtree.find((span) => span.name.startsWith("chat "));
    const id = String(chat?.attributes["gen_ai.response.id"]);
    const answered = byResponse.get(id);
    if (answered === undefined) throw new Error(`no call, or another's subtree, has reply ${id}`);
    byResponse.delete(id);
    const { call, said, traceId } = answered;
    expect(traceId).toBe(caller.traceId);
    assertWholeTrace(subtree, { caller, route: call.route, chat: true, attempts: 1 });
    const usage = usageOfCall(callOfResponseId(id) ?? -1);
    expect(said.inputTokens).toBe(usage.inputTokens);
    expect(chat?.attributes).toMatchObject({
      "gen_ai.usage.input_tokens": usage.inputTokens,
      "gen_ai.usage.output_tokens": usage.outputTokens,
      "gen_ai.usage.cache_read.input_tokens": usage.cachedTokens,
      "gen_ai.usage.reasoning.output_tokens": usage.reasoningTokens,
    });
  }
  expect(byResponse.size).toBe(0);
}

describe("under one caller's span", () => {
  test(`${calls} calls at once are ${calls} whole subtrees`, async () => {
    const caller = newCallerSpan();
    const before = traced.provider.callCount();
    // The provider answers once all of them are open, and all in the same moment.
    const script = { delayMs: 1000 };
    const answers = await Promise.all(
      Array.from({ length: calls }, (_, n) => answer({ ...nthCall(n), script }, caller)),
    );
    expect(traced.provider.callCount() - before).toBe(calls);
    await checkSubtrees(caller, answers);
  }, 60_000);

  test("a hundred calls one after another are a hundred whole subtrees", async () => {
    const caller = newCallerSpan();
    const answers: Answered[] = [];
    for (let n = 0; n < 100; n++) answers.push(await answer(nthCall(n), caller));
    await checkSubtrees(caller, answers);
  }, 60_000);

  test("the account on /metrics adds up to what arrived", async () => {
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`${traced.gateway.url}/metrics`)).text();
      const line = text.split("\n").find((each) => each.startsWith(name));
      return Number(line?.slice(line.lastIndexOf(" ") + 1));
    };
    const exported = `everyspan_destination_spans{destination="receiver",state="exported"}`;
    const arrived = traced.receiver.acceptedCount();
    await waitFor(async () => (await metric(exported)) === arrived, 5000, "exported = arrived");
    expect(await metric("everyspan_spans_recorded_total")).toBe(arrived);
    expect(await metric("everyspan_spans_committed_total")).toBe(arrived);
    expect(await metric("everyspan_spans_lost_total")).toBe(0);
    expect(await metric("everyspan_spans_open")).toBe(0);
  });
});
