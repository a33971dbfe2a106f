import { describe, expect, test } from "bun:test";
import OpenAI, { APIError } from "openai";
import { openaiErrorBody, openaiErrorEvent } from "../../../src/apischema/openai-error.ts";
import { errorCodes, errorRule, type ErrorCode } from "../../../src/errors/gateway-error.ts";

const classes: Record<number, string> = {
  400: "BadRequestError",
  401: "AuthenticationError",
  403: "PermissionDeniedError",
  404: "NotFoundError",
};

function client(answer: () => Response): OpenAI {
  const fetch = () => Promise.resolve(answer());
  return new OpenAI({ apiKey: "k", baseURL: "http://gateway.test/v1", maxRetries: 0, fetch });
}

const request = { model: "m", messages: [] };

async function failure(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("an error in OpenAI's shape", () => {
  test("has the four fields, with our code", () => {
    const error = { code: "model_not_found", message: "No model `x`." } as const;
    expect(JSON.parse(openaiErrorBody(error, 404, "model"))).toEqual({
      error: {
        message: "No model `x`.",
        type: "invalid_request_error",
        param: "model",
        code: "model_not_found",
      },
    });
    expect(openaiErrorEvent(error)).toBe(`data: ${openaiErrorBody(error, 404)}\n\n`);
  });

  test("has a type that fits the status, also when that is not the code's own", () => {
    const typeAt = (code: ErrorCode, status: number) =>
      (JSON.parse(openaiErrorBody({ code, message: "" }, status)) as { error: { type: string } })
        .error.type;
    expect(typeAt("guardrail_blocked", 400)).toBe("invalid_request_error");
    expect(typeAt("guardrail_blocked", 502)).toBe("server_error");
    expect(typeAt("internal", 413)).toBe("invalid_request_error");
  });

  test.each(errorCodes)("raises the SDK's own class for %s", async (code) => {
    const { status } = errorRule(code);
    const body = openaiErrorBody({ code, message: "why" }, status);
    const headers = { "content-type": "application/json" };
    const sdk = client(() => new Response(body, { status, headers }));
    const error = await failure(() => sdk.chat.completions.create(request));
    const rest = status >= 500 ? "InternalServerError" : "APIError";
    expect(error).toBeInstanceOf(APIError);
    expect((error as Error).constructor.name).toBe(classes[status] ?? rest);
    expect(error).toMatchObject({ status, code, param: null, message: `${status} why` });
  });

  test.each(errorCodes)("raises in the SDK when it ends a stream: %s", async (code) => {
    const chunk = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n';
    const text = chunk + openaiErrorEvent({ code, message: "two\nlines" });
    const headers = { "content-type": "text/event-stream" };
    const sdk = client(() => new Response(text, { headers }));
    const stream = await sdk.chat.completions.create({ ...request, stream: true });
    const parts: unknown[] = [];
    const error = await failure(async () => {
      for await (const part of stream) parts.push(part);
    });
    expect(parts).toHaveLength(1);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code, type: errorRule(code).openai, message: "two\nlines" });
  });
});
