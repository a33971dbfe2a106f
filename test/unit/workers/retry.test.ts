import { expect, test } from "bun:test";
import { backoffMs, isRetryableStatus, retryAfterMs } from "../../../src/workers/retry.ts";

test("again after a timeout, a limit or a fault of the server, and after nothing else", () => {
  for (const status of [408, 429, 500, 502, 503, 504, 529, 599]) {
    expect(isRetryableStatus(status)).toBe(true);
  }
  for (const status of [200, 204, 301, 400, 401, 403, 404, 409, 413, 422, 499, 600]) {
    expect(isRetryableStatus(status)).toBe(false);
  }
});

test.each([
  [{ "retry-after": "3" }, 3000],
  [{ "retry-after": "0.5" }, 500],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:10 GMT" }, 5000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:01 GMT" }, 0],
  [{ "retry-after-ms": "120", "retry-after": "9" }, 120],
  [{ "retry-after": "-1" }, undefined],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": " " }, undefined],
  [{}, undefined],
] as [Record<string, string>, number | undefined][])("%o waits %p ms", (headers, expected) => {
  expect(retryAfterMs(new Headers(headers), 5000)).toBe(expected as number);
});

test("back-off doubles up to its cap, and is spread over its upper half", () => {
  for (let attempt = 0; attempt < 12; attempt++) {
    const ceiling = Math.min(8000, 250 * 2 ** attempt);
    expect(backoffMs(attempt, () => 0)).toBe(ceiling / 2);
    expect(backoffMs(attempt, () => 1)).toBe(ceiling);
  }
});
