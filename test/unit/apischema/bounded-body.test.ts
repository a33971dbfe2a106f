import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { readBounded } from "../../../src/apischema/bounded-body.ts";

/** A body of chunks of 100 bytes; says how many were asked for, and whether it was let go. */
function chunked(count: number) {
  const seen = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.pulled++ < count) controller.enqueue(new Uint8Array(100));
        else controller.close();
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { response: new Response(body), seen };
}

describe("a body with a bound", () => {
  test("is read whole up to the bound itself", async () => {
    expect((await readBounded(chunked(3).response, 300))?.length).toBe(300);
    expect(await readBounded(new Response("abc"), 3)).toEqual(Buffer.from("abc"));
    expect(await readBounded(new Response(null), 0)).toEqual(Buffer.alloc(0));
  });

  test("beyond it is read no further, and let go", async () => {
    const { response, seen } = chunked(1_000_000);
    expect(await readBounded(response, 300)).toBeUndefined();
    expect(seen).toEqual({ pulled: 4, cancelled: true });
  });

  test("that breaks off rejects", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) });
    expect(readBounded(new Response(body), 10)).rejects.toThrow("cut");
  });

  test("is bounded by what it is once decompressed", async () => {
    const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024));
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(bomb, { headers: { "content-encoding": "gzip" } }),
    });
    try {
      const response = await fetch(server.url);
      expect(Number(response.headers.get("content-length"))).toBeLessThan(10_000);
      expect(await readBounded(response, 1024 * 1024)).toBeUndefined();
    } finally {
      await server.stop(true);
    }
  });
});
