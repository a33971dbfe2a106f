import { describe, expect, test } from "bun:test";
import { addsStreamUsage, upstreamBody } from "../../../src/workers/upstream-body.ts";
import type { Upstream } from "../../../src/workers/upstream.ts";
import { factsOf, testUpstream } from "../../support/call-states.ts";

const claude = testUpstream({ api: "anthropic" });

function sent(body: string, provider: Upstream = testUpstream(), providerModel = ""): string {
  const facts = factsOf(JSON.parse(body) as object, provider.api);
  return upstreamBody({ body, providerModel }, provider, facts);
}

/** The tail of an OpenAI request that streams. */
const streaming = '"model":"m","messages":[],"stream":true';

describe("the body for the provider", () => {
  test("is the caller's own, byte for byte, where nothing has to change", () => {
    const odd =
      '{ "messages":[ {"role":"user","content":"\\u00e9\\/ é"} ],"model":"m", "seed":1e0,"n":12345678901234567890.10,\n"x":1,"x":2}';
    expect(upstreamBody({ body: odd, providerModel: "" }, testUpstream(), undefined)).toBe(odd);
    expect(sent('{ "model":"m", "messages":[],"temperature":1.0 }')).toBe(
      '{ "model":"m", "messages":[],"temperature":1.0 }',
    );
  });

  test("names the model as the provider does, and only there", () => {
    const body =
      '{"messages":[{"role":"user","content":"model fast","model":"fast"}], "model" : "fast","x":1.0}';
    expect(sent(body, testUpstream(), "gpt-4o-mini")).toBe(
      '{"messages":[{"role":"user","content":"model fast","model":"fast"}], "model" : "gpt-4o-mini","x":1.0}',
    );
  });

  test("asks OpenAI's streams for usage, beside whatever options the caller gave", () => {
    expect(JSON.parse(sent(`{${streaming}}`))).toEqual({
      ...(JSON.parse(`{${streaming}}`) as object),
      stream_options: { include_usage: true },
    });
    const given = `{"stream_options":{"include_obfuscation":false},${streaming}}`;
    expect(JSON.parse(sent(given))).toMatchObject({
      stream_options: { include_obfuscation: false, include_usage: true },
    });
    for (const options of ["null", "{}", '{"include_usage":false}', '{"include_usage":null}']) {
      const { stream_options } = JSON.parse(sent(`{"stream_options":${options},${streaming}}`)) as {
        stream_options: unknown;
      };
      expect(stream_options).toEqual({ include_usage: true });
    }
  });

  test("leaves a stream alone that asks for usage itself", () => {
    const body = `{${streaming},"stream_options":{"include_usage":true}}`;
    expect(sent(body)).toBe(body);
  });

  test("refuses options that can hold no usage as the caller's mistake, not as ours", () => {
    expect(() => sent(`{"stream_options":7,${streaming}}`)).toThrow(
      expect.objectContaining({ code: "invalid_request" }) as Error,
    );
  });

  test("is without the field that names guardrails, which providers refuse", () => {
    const body = '{"model":"m","guardrails":["pii"],"messages":[]}';
    expect(JSON.parse(sent(body))).toEqual({ model: "m", messages: [] });
    const message = '{"model":"m","max_tokens":1,"messages":[],"guardrails":["pii"]}';
    expect(JSON.parse(sent(message, claude))).toEqual({ model: "m", max_tokens: 1, messages: [] });
  });

  test("has all of its changes at once", () => {
    const body = `{"guardrails":["pii"],${streaming},"metadata":{"big":12345678901234567890}}`;
    const changed = sent(body, testUpstream(), "other");
    expect(JSON.parse(changed)).toMatchObject({
      model: "other",
      stream_options: { include_usage: true },
    });
    expect(changed).not.toContain("guardrails");
    expect(changed).toContain("12345678901234567890");
  });
});

test("usage is asked for on OpenAI's streams alone, and not where the server refuses it", () => {
  const stream = factsOf({ model: "m", messages: [], stream: true });
  expect(addsStreamUsage(testUpstream(), stream)).toBe(true);
  expect(addsStreamUsage(testUpstream({ streamUsage: false }), stream)).toBe(false);
  expect(addsStreamUsage(claude, { ...stream })).toBe(false);
  expect(addsStreamUsage(testUpstream(), { ...stream, stream: false })).toBe(false);
  expect(addsStreamUsage(testUpstream(), { ...stream, includeUsage: true })).toBe(false);
});
