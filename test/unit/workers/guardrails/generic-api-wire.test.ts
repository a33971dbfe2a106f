import { describe, expect, test } from "bun:test";
import {
  genericApiRequest,
  readGenericApiReply,
} from "../../../../src/workers/guardrails/generic-api-wire.ts";
import { guardrailInput } from "../../../support/guardrail-input.ts";

const settings = { forwardHeaders: ["x-tenant"], additionalProviderSpecificParams: { a: 1, b: 2 } };

describe("a request of the Generic Guardrail API", () => {
  test("says whose call it is, as far as that is known", () => {
    const dataOf = (given: Parameters<typeof guardrailInput>[0]): unknown =>
      (genericApiRequest(guardrailInput(given), settings) as { request_data: unknown })
        .request_data;
    expect(dataOf({})).toEqual({});
    expect(dataOf({ keyName: "team-a", endUser: "user-42" })).toEqual({
      user_api_key_alias: "team-a",
      user_api_key_end_user_id: "user-42",
    });
  });

  test("shows of the caller's headers those that are harmless or named, and of the others that they were there", () => {
    const headers = [
      ["user-agent", "x/1"],
      ["x-stainless-lang", "js"],
      ["x-tenant", "blue"],
      ["authorization", "Bearer secret"],
    ] as const;
    const request = genericApiRequest(guardrailInput({ headers }), settings);
    expect(request).toMatchObject({
      request_headers: {
        "user-agent": "x/1",
        "x-stainless-lang": "js",
        "x-tenant": "blue",
        authorization: "[present]",
      },
    });
  });

  test("adds what the caller sent to what is configured, and lets it change none of that", () => {
    const request = genericApiRequest(guardrailInput({ extra: { b: 3, c: 4 } }), settings);
    expect(request).toMatchObject({ additional_provider_specific_params: { a: 1, b: 2, c: 4 } });
  });

  test("has tools and messages of a request, and of a response neither", () => {
    const given = { tools: [{ x: 1 }], messages: [{ role: "user" }], toolCalls: [{ id: "c" }] };
    expect(genericApiRequest(guardrailInput(given), settings)).toMatchObject({
      input_type: "request",
      tools: [{ x: 1 }],
      structured_messages: [{ role: "user" }],
      tool_calls: [{ id: "c" }],
    });
    expect(
      genericApiRequest(guardrailInput({ ...given, stage: "post_call" }), settings),
    ).toMatchObject({
      input_type: "response",
      tools: null,
      structured_messages: null,
      tool_calls: [{ id: "c" }],
    });
  });
});

describe("a reply of the Generic Guardrail API", () => {
  const input = guardrailInput({ texts: ["one", "two"], images: ["i"] });
  const read = (reply: unknown): unknown => readGenericApiReply(JSON.stringify(reply), input);

  test("without an action allows, and so does NONE, whatever else it holds", () => {
    expect(read({})).toEqual({ action: "allow" });
    expect(read({ action: "NONE", texts: ["x", "y"] })).toEqual({ action: "allow" });
  });

  test("blocks with a reason, its own or the API's", () => {
    expect(read({ action: "BLOCKED" })).toMatchObject({ reason: "Content violates policy" });
    expect(read({ action: "BLOCKED", blocked_reason: "why" })).toMatchObject({ reason: "why" });
  });

  test("rewrites what it names and leaves what it does not", () => {
    expect(read({ action: "GUARDRAIL_INTERVENED", images: ["j"] })).toEqual({
      action: "mask",
      texts: ["one", "two"],
      images: ["j"],
    });
  });

  test("says that a thing is unchanged with an empty list, null or nothing", () => {
    for (const texts of [[], null, undefined]) {
      expect(read({ action: "GUARDRAIL_INTERVENED", texts, images: ["j"] })).toMatchObject({
        texts: ["one", "two"],
        images: ["j"],
      });
    }
  });

  test("of another length, shape or action is a failure", () => {
    for (const reply of [
      { action: "GUARDRAIL_INTERVENED", texts: ["one"] },
      { action: "GUARDRAIL_INTERVENED", texts: ["one", 2] },
      { action: "GUARDRAIL_INTERVENED", images: ["a", "b"] },
      { action: "GUARDRAIL_INTERVENED", texts: "one, two" },
      { action: "GUARDRAIL_INTERVENED", texts: { 0: "one", 1: "two" } },
      { action: "GUARDRAIL_INTERVENED", images: "j" },
      { action: "GUARDRAIL_INTERVENED", tools: {} },
      { action: "MAYBE" },
      [],
      "NONE",
    ]) {
      expect(read(reply)).toMatchObject({ action: "failed", cause: "error" });
    }
  });
});
