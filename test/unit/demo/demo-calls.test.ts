import { describe, expect, test } from "bun:test";
import { readAnthropicRequest, readOpenAIRequest } from "../../../src/apischema/request-facts.ts";
import { demoCalls, demoRequest } from "../../../src/demo/demo-calls.ts";
import type { DemoCall } from "../../../src/demo/demo-calls.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function bodyOf(call: DemoCall): Record<string, unknown> {
  const { body } = demoRequest(call, traceparent);
  return JSON.parse(body as string) as Record<string, unknown>;
}

describe("the demo's calls", () => {
  const calls = demoCalls();

  test("are sixty, on both routes, streaming and plain, with and without metadata, in all mixtures", () => {
    expect(calls).toHaveLength(60);
    const ordinary = calls.filter(({ leaves, guardrail }) => !leaves && guardrail === "");
    const kinds = new Set(
      ordinary.map(({ route, stream, nativeMetadata }) => `${route} ${stream} ${nativeMetadata}`),
    );
    expect(kinds.size).toBe(8);
  });

  test("have in them each thing that goes wrong on purpose", () => {
    const guardrails = calls.map(({ guardrail }) => guardrail).filter((name) => name !== "");
    expect(guardrails.toSorted()).toEqual(["codenames", "house-rules", "keys"]);
    expect(calls.filter(({ leaves }) => leaves)).toHaveLength(1);
    expect(calls.filter(({ script }) => script.failFirst !== undefined)).toHaveLength(1);
    expect(calls.filter(({ script }) => script.cutAfterChunks !== undefined)).toHaveLength(1);
  });

  test("expect as many attempts as their script causes", () => {
    for (const { script, attempts, guardrail } of calls) {
      const failures = script.failFirst?.times ?? 0;
      expect(attempts).toBe(guardrail === "house-rules" ? 0 : 1 + failures);
    }
  });

  test("give time to leave before the end to the one who leaves", () => {
    const leaving = calls.find(({ leaves }) => leaves)?.script;
    expect((leaving?.chunks ?? 0) * (leaving?.chunkDelayMs ?? 0)).toBeGreaterThan(5000);
  });
});

describe("a request of the demo", () => {
  test("is one that the route's API takes, whichever call it is", () => {
    for (const call of demoCalls()) {
      const read = call.route === "/v1/messages" ? readAnthropicRequest : readOpenAIRequest;
      expect(read(bodyOf(call))).toMatchObject({ ok: true, facts: { stream: call.stream } });
    }
  });

  test("carries the app's span, the guardrail it names, and the script for the provider", () => {
    const [call] = demoCalls().filter(({ guardrail }) => guardrail === "keys");
    const headers = new Headers(demoRequest(call!, traceparent).headers);
    expect(headers.get("traceparent")).toBe(traceparent);
    expect(headers.get("x-everyspan-guardrails")).toBe("keys");
    expect(bodyOf(call!)).toMatchObject({
      x_script: call!.script,
      metadata: { user_id: "demo-user" },
    });
  });

  test("has metadata only where the call is one with metadata", () => {
    for (const call of demoCalls()) expect("metadata" in bodyOf(call)).toBe(call.nativeMetadata);
  });
});
