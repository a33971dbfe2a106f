import { expect, test } from "bun:test";
import { createAuthenticator, keyHeaderOf } from "../../../src/server/authenticate.ts";

const keys = [
  { name: "a", key: "key-a" },
  { name: "b", key: "key-b" },
];

function check(headers: Record<string, string>, known = keys) {
  return createAuthenticator(known).check(new Headers(headers));
}

test("without keys everyone is served, whatever they send", () => {
  expect(check({}, [])).toEqual({ ok: true, keyName: "" });
  expect(check({ authorization: "Bearer x" }, [])).toEqual({ ok: true, keyName: "" });
});

test.each([
  [{ authorization: "Bearer key-a" }, "a"],
  [{ authorization: "bearer   key-b " }, "b"],
  [{ "x-api-key": "key-b" }, "b"],
  [{ "x-api-key": "left-over", authorization: "Bearer key-a" }, "a"],
  [{ "x-api-key": "key-a", authorization: "Bearer left-over" }, "a"],
] as [Record<string, string>, string][])("%o is %s", (headers, keyName) => {
  expect(check(headers)).toEqual({ ok: true, keyName });
});

test.each([
  [{}, "missing_key"],
  [{ authorization: "Basic key-a" }, "missing_key"],
  [{ authorization: "Bearer" }, "missing_key"],
  [{ authorization: "key-a" }, "missing_key"],
  [{ "x-api-key": " " }, "missing_key"],
  [{ authorization: "Bearer key-" }, "unknown_key"],
  [{ authorization: "Bearer key-aa" }, "unknown_key"],
  [{ authorization: "Bearer KEY-A" }, "unknown_key"],
  [{ "x-api-key": "key-a, key-b" }, "unknown_key"],
] as [Record<string, string>, "missing_key" | "unknown_key"][])("%o is a %s", (headers, reason) => {
  expect(check(headers)).toEqual({ ok: false, reason });
});

test("the header the key came in is told, so that the provider's goes the same way", () => {
  expect(keyHeaderOf(new Headers())).toBe("");
  expect(keyHeaderOf(new Headers({ authorization: "x" }))).toBe("authorization");
  expect(keyHeaderOf(new Headers({ authorization: "x", "x-api-key": "y" }))).toBe("x-api-key");
});
