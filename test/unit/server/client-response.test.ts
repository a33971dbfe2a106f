import { expect, test } from "bun:test";
import { clientResponse } from "../../../src/server/client-response.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";

function respond(status: number, headers: Record<string, string>, body = "x"): Response {
  return clientResponse(body, { status, headers: JSON.stringify(headers), traceId });
}

test("passes status, headers and body on, with our trace id in place of any other", async () => {
  const response = respond(418, { "x-a": "1", "x-trace-id": "theirs" });
  expect(response.status).toBe(418);
  expect(response.headers.get("x-a")).toBe("1");
  expect(response.headers.get("x-trace-id")).toBe(traceId);
  expect(await response.text()).toBe("x");
});

test.each([204, 205, 304])("a %d has no body", async (status) => {
  expect(await respond(status, {}).text()).toBe("");
});

test.each([-1, 0, 99, 600, 999, 1e9, Number.NaN])(
  "a status of %p is a 502, not a throw",
  (status) => {
    const response = respond(status, {});
    expect(response.status).toBe(502);
    expect(response.headers.get("x-trace-id")).toBe(traceId);
  },
);

test("a header that cannot be sent is left out, and the others are sent", () => {
  const response = respond(200, {
    "x-good": "1",
    "bad name": "1",
    "": "1",
    "x-split": "a\r\nx-injected: yes",
    "x-wide": "日本",
    "x-last": "2",
  });
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({ "x-good": "1", "x-last": "2" });
  expect(response.headers.has("x-injected")).toBe(false);
});
