import { expect, test } from "bun:test";
import { createStreamSink } from "../../../src/server/stream-response.ts";

const lump = 64 * 1024;

test("bytes come out as they went in, and the stream closes after the last of them", async () => {
  const sink = createStreamSink(() => undefined);
  sink.write("a\xff", () => undefined);
  sink.write("b", () => undefined);
  sink.end("c");
  const read = await new Response(sink.stream).bytes();
  expect([...read]).toEqual([0x61, 0xff, 0x62, 0x63]);
});

test("credit comes back only as the client takes, and all of it does", async () => {
  const sink = createStreamSink(() => undefined);
  let creditBytes = 0;
  const give = (bytes: number): void => void (creditBytes += bytes);
  const reader = sink.stream.getReader();
  for (let at = 0; at < 4; at++) sink.write("x".repeat(lump), give);
  await Promise.resolve();
  expect(creditBytes).toBe(0);
  for (let at = 0; at < 4; at++) await reader.read();
  const rest = reader.read(); // asks for more: what was queued has been taken
  await Promise.resolve();
  expect(creditBytes).toBe(4 * lump);
  sink.end("");
  expect((await rest).done).toBe(true);
});

test("a client that leaves is told of once; what is written after goes nowhere", async () => {
  let left = 0;
  const sink = createStreamSink(() => void (left += 1));
  await sink.stream.cancel();
  sink.write("x", () => undefined);
  sink.end("y");
  expect({ left, gone: sink.gone() }).toEqual({ left: 1, gone: true });
});

test("nothing follows the end", async () => {
  const sink = createStreamSink(() => undefined);
  sink.end("z");
  sink.write("more", () => undefined);
  sink.end("again");
  expect(await new Response(sink.stream).text()).toBe("z");
  expect(sink.gone()).toBe(false);
});

test("what breaks off does not look whole, and nothing follows it", async () => {
  const sink = createStreamSink(() => undefined);
  sink.write("half", () => undefined);
  sink.breakOff();
  sink.write("more", () => undefined);
  sink.end("the end");
  expect(await new Response(sink.stream).text().catch(() => "broken")).toBe("broken");
  const gone = createStreamSink(() => undefined);
  await gone.stream.cancel();
  gone.breakOff();
  expect(gone.gone()).toBe(true);
});
