import { describe, expect, test } from "bun:test";
import { createTargetReader } from "../../../src/server/request-target.ts";

/** What the platform's own parser says. */
function parsed(url: string) {
  const { pathname, search, hostname, port } = new URL(url);
  return { pathname, search, hostname, port: port === "" ? undefined : Number(port) };
}

describe("a request's address", () => {
  const hosts = ["127.0.0.1:4000", "localhost", "HOST.test:80", "[::1]:4000", "127.1:9", "a@b:1"];
  const paths = [
    "/v1/chat/completions",
    "/",
    "",
    "//v1//messages",
    "/v1/../healthz",
    "/v1/./x",
    "/v1/files/a%2Fb",
    "/v1/models/gpt-4.1?x=1&y",
    "/v1/a\\b",
    "/v1/ü b",
    "/v1/x#fragment",
    "?query",
  ];
  const urls = hosts.flatMap((host) => paths.map((path) => `http://${host}${path}`));

  test.each([...urls, "https://h/v1/messages"])("%s is read as URL reads it", (url) => {
    expect(createTargetReader()(url)).toEqual(parsed(url));
  });

  test("is read anew for each host", () => {
    const read = createTargetReader();
    for (const url of [...urls, ...urls.toReversed()]) expect(read(url)).toEqual(parsed(url));
  });

  test.each(["/v1/messages", "http:///v1", "http://a b/v1/x", "http://a:99999/v1/x", ""])(
    "%j is none",
    (url) => {
      const read = createTargetReader();
      expect(read(url)).toBeUndefined();
      expect(read(url)).toBeUndefined();
    },
  );
});
