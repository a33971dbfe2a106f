// Tests the request parser of the scripted servers: any split of the bytes gives the same request.

import { describe, expect, test } from "bun:test";
import { parseRawRequest, type RawRequest } from "../../../src/demo/raw-request.ts";

function parsed(text: string): RawRequest {
  const result = parseRawRequest(Buffer.from(text));
  if (result.kind !== "request") throw new Error(result.kind);
  return result.request;
}

const post =
  "POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nX-A: 1\r\nx-a: 2\r\n\r\n" +
  '{"é":1}'.slice(0, 6);

describe("parseRawRequest", () => {
  test("gives method, path with query, joined headers and the body's bytes", () => {
    const request = parsed(post);
    expect(request.method).toBe("POST");
    expect(request.path).toBe("/v1/messages?beta=true");
    expect(request.header("x-a")).toBe("1, 2");
    expect(request.headers()["host"]).toBe("x");
    expect(request.body.length).toBe(7);
  });

  test("is incomplete at every shorter length", () => {
    const bytes = Buffer.from(post);
    for (let length = 0; length < bytes.length; length++) {
      expect(parseRawRequest(bytes.subarray(0, length)).kind).toBe("incomplete");
    }
  });

  test("consumes its own bytes only, so that a second request may follow", () => {
    const result = parseRawRequest(Buffer.from(post + post));
    expect(result.kind === "request" && result.consumed).toBe(Buffer.byteLength(post));
  });

  test("reads a chunked body", () => {
    const head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    const request = parsed(`${head}3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n`);
    expect(Buffer.from(request.body).toString()).toBe("abc0123456789");
    expect(parseRawRequest(Buffer.from(`${head}3\r\nabc\r\n0\r\n`)).kind).toBe("incomplete");
  });

  test("takes a request without headers or body", () => {
    expect(parsed("GET /v1/models HTTP/1.1\r\n\r\n").path).toBe("/v1/models");
  });

  test("refuses what is no request line, and a head without end", () => {
    expect(parseRawRequest(Buffer.from("nonsense\r\n\r\n")).kind).toBe("malformed");
    expect(parseRawRequest(Buffer.alloc(70_000, "a")).kind).toBe("malformed");
  });
});
