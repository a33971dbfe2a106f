import { describe, expect, test } from "bun:test";
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import { anthropicErrorBody, anthropicErrorEvent } from "../../../src/apischema/anthropic-error.ts";
import { errorCodes, errorRule } from "../../../src/errors/gateway-error.ts";

function client(answer: () => Response): Anthropic {
  const fetch = () => Promise.resolve(answer());
  return new Anthropic({ apiKey: "k", baseURL: "http://gateway.test", maxRetries: 0, fetch });
}

const request = { model: "m", max_tokens: 1, messages: [] };

async function failure(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

const classes: Record<number, string> = {
  400: "BadRequestError",
  401: "AuthenticationError",
  403: "PermissionDeniedError",
  404: "NotFoundError",
  413: "ContentTooLargeError",
  499: "ClientClosedRequestError",
  500: "InternalServerError",
  503: "ServiceUnavailableError",
  504: "GatewayTimeoutError",
};

describe("an error in Anthropic's shape", () => {
  test("has a type, a message and the request's id", () => {
    const error = { code: "overloaded", message: "busy" } as const;
    expect(JSON.parse(anthropicErrorBody(error, "4bf9"))).toEqual({
      type: "error",
      error: { type: "overloaded_error", message: "busy" },
      request_id: "4bf9",
    });
    expect(anthropicErrorEvent(error)).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n',
    );
  });

  test.each(errorCodes)("raises the SDK's own class for %s", async (code) => {
    const { status, anthropic } = errorRule(code);
    const body = anthropicErrorBody({ code, message: "why" }, "id");
    const headers = { "content-type": "application/json" };
    const sdk = client(() => new Response(body, { status, headers }));
    const error = await failure(() => sdk.messages.create(request));
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status, type: anthropic, apiMessage: "why" });
    const expected = classes[status];
    if (expected !== undefined) expect((error as Error).constructor.name).toBe(expected);
  });

  test.each(errorCodes)("raises in the SDK when it ends a stream: %s", async (code) => {
    const start = 'event: message_start\ndata: {"type":"message_start","message":{"id":"m"}}\n\n';
    const text = start + anthropicErrorEvent({ code, message: "two\nlines" });
    const headers = { "content-type": "text/event-stream" };
    const sdk = client(() => new Response(text, { headers }));
    const stream = await sdk.messages.create({ ...request, stream: true });
    const parts: unknown[] = [];
    const error = await failure(async () => {
      for await (const part of stream) parts.push(part);
    });
    expect(parts).toHaveLength(1);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ type: errorRule(code).anthropic, apiMessage: "two\nlines" });
  });
});
