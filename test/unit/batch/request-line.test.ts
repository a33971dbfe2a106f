import { expect, test } from "bun:test";
import { isRequestLine, readRequestLine, resultLine } from "../../../src/batch/request-line.ts";

const url = "/v1/chat/completions";

test("requests are told from rows by their fields", () => {
  expect(isRequestLine({ custom_id: "a", url, body: {} })).toBe(true);
  expect(isRequestLine({ custom_id: "a", params: {} })).toBe(true);
  expect(isRequestLine({ custom_id: "a", body: "text" })).toBe(false);
  expect(isRequestLine({ body: {} })).toBe(false);
});

test("what cannot be sent is said", () => {
  const problem = (fields: Record<string, unknown>): string => {
    const read = readRequestLine(fields);
    return read.ok ? "" : read.problem;
  };
  expect(problem({ custom_id: "a", url, body: { model: "m" } })).toBe("");
  expect(problem({ url, body: {} })).toBe("custom_id is missing");
  expect(problem({ custom_id: "a", url: "/v1/embeddings", body: {} })).toContain("url");
  expect(problem({ custom_id: "a", url, body: { stream: true } })).toContain("stream");
  expect(problem({ custom_id: "a", url })).toContain("body");
});

test("a provider's error is a result, our own is an error", () => {
  const base = { call: "0-1", customId: "a", requestId: "r", message: "m" };
  const refused = { ...base, status: 400, body: { error: {} }, errorCode: "" };
  const lost = { ...base, status: 0, body: undefined, errorCode: "provider_timeout" };
  expect(resultLine("openai", refused)).toEqual({
    id: "batch_req_01",
    custom_id: "a",
    response: { status_code: 400, request_id: "r", body: { error: {} } },
    error: null,
  });
  expect(resultLine("openai", lost)).toMatchObject({
    response: null,
    error: { code: "provider_timeout" },
  });
  expect(resultLine("anthropic", refused)).toMatchObject({ result: { type: "errored" } });
  expect(resultLine("anthropic", lost)).toMatchObject({
    result: { type: "errored", error: { type: "error", error: { type: "provider_timeout" } } },
  });
});
