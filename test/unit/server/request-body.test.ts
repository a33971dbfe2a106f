import { afterEach, describe, expect, test } from "bun:test";
import { parseJsonBody, readBody } from "../../../src/server/request-body.ts";
import { waitFor } from "../../support/wait-for.ts";

const bounds = { bytesMax: 100, graceMs: 60_000 };

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "read";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function post(body: string | ReadableStream<Uint8Array>, length?: number): Request {
  return new Request("http://h/", {
    method: "POST",
    body,
    ...(length !== undefined && { headers: { "content-length": String(length) } }),
  });
}

function streamed(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
      controller.close();
    },
  });
}

describe("readBody", () => {
  test("reads a body to its end, announced or not", async () => {
    expect((await readBody(post("hello", 5), bounds)).toString()).toBe("hello");
    expect((await readBody(post(streamed("hel", "lo")), bounds)).toString()).toBe("hello");
    expect(await readBody(new Request("http://h/", { method: "POST" }), bounds)).toHaveLength(0);
  });

  test("takes a body of the limit, and refuses one byte more however it is framed", async () => {
    const [whole, over] = ["x".repeat(100), "x".repeat(101)];
    expect(await readBody(post(whole, 100), bounds)).toHaveLength(100);
    expect(await readBody(post(streamed(whole)), bounds)).toHaveLength(100);
    expect(await codeOf(readBody(post(over, 101), bounds))).toBe("payload_too_large");
    expect(await codeOf(readBody(post(over, 5), bounds))).toBe("payload_too_large");
    expect(await codeOf(readBody(post(streamed(whole, "x")), bounds))).toBe("payload_too_large");
  });

  test("a body that breaks off is a client that left", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("reset")),
    });
    expect(await codeOf(readBody(post(broken), bounds))).toBe("client_disconnected");
  });

  test("a body that stops coming is given up, and its reader let go", async () => {
    let cancelled = false;
    const stuck = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from("{")),
      cancel() {
        cancelled = true;
      },
    });
    expect(await codeOf(readBody(post(stuck), { ...bounds, graceMs: 20 }))).toBe("request_timeout");
    await waitFor(() => cancelled, 1000);
  });
});

describe("over a socket", () => {
  let stop: (() => unknown) | undefined;
  afterEach(() => stop?.());

  test("a sender that stops in mid-body is told so when its time is up", async () => {
    const seen: string[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      async fetch(request) {
        seen.push(await codeOf(readBody(request, { bytesMax: 1000, graceMs: 30 })));
        return new Response(seen.at(-1), { status: 408, headers: { connection: "close" } });
      },
    });
    stop = () => server.stop(true);
    for (const framing of ["content-length: 50", "transfer-encoding: chunked"]) {
      let answer = "";
      await Bun.connect({
        hostname: "127.0.0.1",
        port: server.port ?? 0,
        socket: {
          open: (socket) =>
            void socket.write(
              `POST / HTTP/1.1\r\nhost: h\r\n${framing}\r\n\r\n${framing.startsWith("t") ? "2\r\nab\r\n" : "ab"}`,
            ),
          data: (_, bytes) => void (answer += bytes.toString()),
        },
      });
      await waitFor(() => answer.includes("408"), 5000, framing);
    }
    expect(seen).toEqual(["request_timeout", "request_timeout"]);
  });
});

describe("parseJsonBody", () => {
  test("gives text and value", () => {
    const text = '{"big":12345678901234567890}';
    expect(parseJsonBody(Buffer.from(text)).text).toBe(text);
    expect(parseJsonBody(Buffer.from("[1]")).value).toEqual([1]);
  });

  test.each([
    ["", "the body is empty"],
    [" \n", "the body is empty"],
    ["{secret", "the body is not valid JSON"],
    ['{"secret":1,"secret":2}', "the body has an object with the same key twice"],
    [`${"[".repeat(2000)}${"]".repeat(2000)}`, "The body is nested too deeply."],
  ])("refuses %p without repeating it", (text, message) => {
    expect(() => parseJsonBody(Buffer.from(text))).toThrow(message);
    expect(message).not.toContain("secret");
  });

  test("refuses bytes that are no UTF-8", () => {
    expect(() => parseJsonBody(Buffer.from([0x22, 0xff, 0x22]))).toThrow("not valid UTF-8");
  });
});
