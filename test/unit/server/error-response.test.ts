import { expect, test } from "bun:test";
import { errorCodes, errorRule } from "../../../src/errors/gateway-error.ts";
import { errorResponse } from "../../../src/server/error-response.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";

test.each([...errorCodes])(
  "%s is told in either API's shape, with status and trace id",
  async (code) => {
    const rule = errorRule(code);
    for (const api of ["openai", "anthropic"] as const) {
      const response = errorResponse({ code, message: "why" }, { api, traceId });
      expect(response.status).toBe(rule.status);
      expect(response.headers.get("x-trace-id")).toBe(traceId);
      expect(response.headers.has("retry-after")).toBe(rule.retryAfterSeconds !== undefined);
      const body = (await response.json()) as {
        type?: string;
        error: { type: string; message: string };
      };
      expect(body.error).toMatchObject({ message: "why", type: rule[api] });
      expect(body.type).toBe(api === "anthropic" ? "error" : undefined);
    }
  },
);

test("a 405 says what is allowed; what leaves a body behind closes the connection", () => {
  const response = (code: "method_not_allowed" | "request_timeout" | "payload_too_large") =>
    errorResponse({ code, message: "" }, { api: "openai", traceId, methods: ["GET", "HEAD"] });
  expect(response("method_not_allowed").headers.get("allow")).toBe("GET, HEAD");
  expect(response("request_timeout").headers.get("connection")).toBe("close");
  expect(response("payload_too_large").headers.get("connection")).toBe("close");
  expect(response("method_not_allowed").headers.has("connection")).toBe(false);
});
