import { expect, test } from "bun:test";
import type { ErrorCode } from "../../../src/errors/gateway-error.ts";
import { StatusCode } from "../../../src/tracing/recorder/span-encoding.ts";
import { brokenBody } from "../../../src/workers/broken-body.ts";
import { createTestCall } from "../../support/call-states.ts";

const reset = Object.assign(new Error("socket"), { code: "ECONNRESET" });

test.each([
  [undefined, "provider_cut", "ECONNRESET", "provider main broke off its reply (ECONNRESET)"],
  ["provider_timeout", "provider_timeout", "provider_timeout", "main went silent in the middle"],
  ["draining", "draining", "draining", "the call was cancelled"],
  ["guardrail_blocked", "guardrail_blocked", "guardrail_blocked", "the call was cancelled"],
] as const)("a body ended by %p is a %s", (abortedBy, code, errorType, message) => {
  const { state, attempt } = createTestCall();
  const answer = { ...attempt(), abortedBy: (): ErrorCode | undefined => abortedBy };
  const error = brokenBody(state, answer, reset);
  expect(error.code).toBe(code);
  expect(error.message).toContain(message);
  expect(error.cause).toBe(reset);
  expect(answer.done).toEqual(["settle"]);
  expect(answer.span.statusCode).toBe(StatusCode.error);
  expect(answer.span.attributes["error.type"]).toBe(errorType);
  expect(answer.span.endMs).toBeDefined();
});

test("a body that ends because the client left is no error of the attempt", () => {
  const { state, attempt } = createTestCall();
  state.cancellation.cancel("client_disconnected");
  const answer = attempt();
  expect(brokenBody(state, answer, reset).code).toBe("client_disconnected");
  expect(answer.span.statusCode).toBe(StatusCode.unset);
  expect(answer.span.attributes["everyspan.client_disconnected"]).toBe(true);
  expect(answer.span.endMs).toBeDefined();
});

test("an attempt that had failed by its status keeps that when its body breaks off later", () => {
  const { state, attempt } = createTestCall();
  const answer = attempt(new Response("", { status: 500 }));
  state.spans.fail(answer.span, "500");
  state.spans.end(answer.span);
  brokenBody(state, answer, reset);
  expect(answer.span.attributes["error.type"]).toBe("500");
});
