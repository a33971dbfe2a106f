import { afterAll, expect, test } from "bun:test";
import { replyBody } from "../../../src/server/reply-body.ts";

const headers = { "content-type": "application/json", "x-a": "1", "x-b": "2", "x-c": "3" };
const bodies = new Map<string, string | Uint8Array>();

/** As everyspan does: the reply is made in another event than its request. */
const server: Bun.Server<undefined> = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const body = bodies.get(new URL(request.url).pathname) ?? "";
    await new Promise((resolve) => setTimeout(resolve, 1));
    return new Response(replyBody(body), { headers });
  },
});
afterAll(() => server.stop(true));

function ask(path: string, version = "HTTP/1.1"): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const pieces: Buffer[] = [];
  void Bun.connect({
    hostname: "127.0.0.1",
    port: server.port ?? 0,
    socket: {
      open: (socket) =>
        void socket.write(`GET ${path} ${version}\r\nhost: a\r\nconnection: close\r\n\r\n`),
      data: (_socket, piece) => void pieces.push(Buffer.from(piece)),
      close: () => resolve(Buffer.concat(pieces).toString("latin1")),
    },
  });
  return promise;
}

/** A client that runs beside the server: prints how the first piece of each of twenty replies ends. */
const watcher = `
  for (let tries = 0; tries < 20; tries++) await new Promise((resolve) => Bun.connect({
    hostname: "127.0.0.1", port: Number(process.argv[1]), socket: {
      open: (socket) => void socket.write("GET /crumbs HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n"),
      data: (socket, piece) => {
        console.log(/\\r\\n\\r\\n(?:[\\da-f]+\\r\\n)?x/.test(String(piece)) ? "whole" : "crumb");
        socket.terminate();
      },
      close: resolve,
    },
  }));`;

test.each([100, 12 * 1024, 16 * 1024, 17_000, 200_000])(
  "a reply of %d bytes does not leave with its head in crumbs",
  async (size) => {
    bodies.set("/crumbs", "x".repeat(size));
    const child = Bun.spawn([process.execPath, "-e", watcher, `${server.port}`]);
    expect(await child.stdout.text()).toBe("whole\n".repeat(20));
  },
);

test.each([
  ["text", `"${"zażółć 🦊 ".repeat(4000)}"`],
  ["bytes", new Uint8Array(100_000).map((_, at) => (at * 7) % 256)],
  ["little", "{}"],
])("%s arrives as it was", async (name, body) => {
  bodies.set(`/${name}`, body);
  const reply = await fetch(`${server.url.href}${name}`);
  const sent = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
  expect(Buffer.from(await reply.arrayBuffer()).equals(sent)).toBe(true);
  expect(reply.headers.get("x-c")).toBe("3");
});

test("what fits says its length, and HTTP/1.0 gets no chunks", async () => {
  bodies.set("/short", "x".repeat(12_000));
  bodies.set("/long", "x".repeat(40_000));
  expect(await ask("/short")).toContain("Content-Length: 12000\r\n");
  const all = await ask("/long", "HTTP/1.0");
  expect(all.toLowerCase()).not.toContain("chunked");
  expect(all.slice(all.indexOf("\r\n\r\n") + 4)).toBe("x".repeat(40_000));
});
