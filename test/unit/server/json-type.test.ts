import { expect, test } from "bun:test";
import { assertForwardedType, assertJsonType } from "../../../src/server/json-type.ts";

function verdict(headers: Record<string, string>, strict: boolean): string {
  try {
    assertJsonType(new Headers(headers), { strict });
    return "taken";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const refused = "unsupported_media_type";

test.each([
  ["application/json", "taken", "taken"],
  ["APPLICATION/JSON ; Charset=UTF-8", "taken", "taken"],
  ['application/json; charset="utf-8"', "taken", "taken"],
  ["application/json; charset=us-ascii; profile=x", "taken", "taken"],
  ["application/vnd.x+json", "taken", "taken"],
  ["", refused, "taken"],
  ["text/plain", refused, "taken"],
  ["application/x-www-form-urlencoded", refused, "taken"],
  ["multipart/form-data; boundary=x", refused, refused],
  ["application/octet-stream", refused, refused],
  ["application/jsonp", refused, refused],
  ["+json", refused, refused],
  ["application/json; charset=utf-16", refused, refused],
  ["application/json; charset=", refused, refused],
  ["text/plain; charset=latin1", refused, refused],
])("%p: strictly %s, else %s", (type, strictly, leniently) => {
  expect(verdict({ "content-type": type }, true)).toBe(strictly);
  expect(verdict({ "content-type": type }, false)).toBe(leniently);
});

test("no header at all is like an empty one; a compressed body is never taken", () => {
  expect(verdict({}, true)).toBe(refused);
  expect(verdict({}, false)).toBe("taken");
  const json = { "content-type": "application/json" };
  expect(verdict({ ...json, "content-encoding": "identity" }, true)).toBe("taken");
  expect(verdict({ ...json, "content-encoding": "gzip" }, false)).toBe(refused);
});

test("what is only passed on may be anything but what pages send unasked and no API takes", () => {
  for (const type of ["", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"]) {
    const headers = new Headers(type === "" ? {} : { "content-type": type });
    expect(() => assertForwardedType(headers)).toThrow("content-type");
  }
  for (const type of ["application/json", "multipart/form-data; boundary=x", "audio/wav"]) {
    expect(() => assertForwardedType(new Headers({ "content-type": type }))).not.toThrow();
  }
});
