import { expect, test } from "bun:test";
import { isPlainPath } from "../../../src/server/forward-path.ts";
import { createRandom } from "../apischema/random-json.ts";

const own = new Set(["/chat/completions", "/messages"]);

test.each([
  "/embeddings",
  "/files/",
  "/models/org%2Fname",
  "/models/ft:gpt-4o:org::id",
  "/files/a%20b",
  "/files/%C3%A9",
  "/chat/completions/id",
  "/a.b/..c/d..",
])("%s means one thing", (path) => {
  expect(isPlainPath(path, own)).toBe(true);
});

test.each([
  "/",
  "/..",
  "/../x",
  "/a/./b",
  "/a//b",
  "/%2e%2e/x",
  "/%252e%252e/x",
  "/%25252e./x",
  "/..%2fx",
  "/a%5c..",
  "/a\\b",
  "/..;x=1/a",
  "/a%00",
  "/a%0d%0a",
  "/%zz",
  "/%ff",
  "/messages/",
  "/Messages",
  "/messages;a",
  "/%6dessages",
  "/messages%2f",
  "/v1/messages",
  "/%76%31/messages",
  "/chat%2fcompletions",
])("%s may mean another", (path) => {
  expect(isPlainPath(path, own)).toBe(false);
});

test("no path that passes decodes into an own one, or above its base", () => {
  const pieces = [
    "/",
    ".",
    "..",
    "%2f",
    "%2e",
    "%5c",
    "messages",
    "%6d",
    "essages",
    "%25",
    "2f",
    ";",
    "x",
    "v1",
  ];
  for (let seed = 0; seed < 20_000; seed++) {
    const random = createRandom(seed);
    let path = "/";
    for (let count = 1 + random.below(6); count > 0; count--) path += random.pick(pieces);
    if (!isPlainPath(path, own)) continue;
    let form = path;
    for (let round = 0; round < 5; round++) {
      const normal = new URL(form.replace(/^\/+/, "/"), "http://h/base/").pathname;
      expect({ path, normal: own.has(normal.toLowerCase()) }).toEqual({ path, normal: false });
      expect({ path, climbs: /(?:^|\/)\.\.(?:\/|$)/.test(form) }).toEqual({ path, climbs: false });
      form = decodeURIComponent(form);
    }
  }
});
