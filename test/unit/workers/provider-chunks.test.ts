import { describe, expect, test } from "bun:test";
import type { Attempt } from "../../../src/workers/attempts.ts";
import type { CallState } from "../../../src/workers/call-state.ts";
import { createProviderChunks } from "../../../src/workers/provider-chunks.ts";
import { createStreamWindow } from "../../../src/workers/stream-window.ts";

const timeoutMs = 1000;

function reading(windowBytes = 100) {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (started) => void (controller = started) });
  const timers: (number | "settled")[] = [];
  const attempt = {
    response: new Response(body),
    span: {},
    expectMore: (withinMs: number) => void timers.push(withinMs),
    settle: () => void timers.push("settled"),
    abort: () => undefined,
    abortedBy: () => undefined,
  } as unknown as Attempt;
  const window = createStreamWindow(windowBytes);
  const state = {
    window,
    provider: { name: "p", timeoutMs },
    spans: { fail: () => undefined, end: () => undefined },
  } as unknown as CallState;
  return {
    chunks: createProviderChunks(state, attempt),
    timers,
    window,
    send: (text: string) => controller?.enqueue(Buffer.from(text)),
    close: () => controller?.close(),
    cut: () => controller?.error(new Error("cut")),
  };
}

const textOf = (arrived: readonly Uint8Array[] | undefined) =>
  arrived === undefined ? undefined : Buffer.concat(arrived).toString();

describe("a provider's chunks", () => {
  test("that have arrived are there at once, without a timer", () => {
    const { chunks, timers, send } = reading();
    send("a");
    send("b");
    const arrived = chunks.next();
    expect(arrived).not.toBeInstanceOf(Promise);
    expect(textOf(arrived as readonly Uint8Array[])).toBe("ab");
    expect(timers).toEqual([]);
  });

  test("that have not are waited for, as long as a stream may be silent", async () => {
    const { chunks, timers, send, close } = reading();
    const arriving = chunks.next();
    expect(timers).toEqual([1.5 * timeoutMs]);
    send("a");
    expect(textOf(await arriving)).toBe("a");
    expect(timers).toEqual([1.5 * timeoutMs, "settled"]);
    close();
    expect(await chunks.next()).toBeUndefined();
  });

  test("are not read without credit, and the provider's time does not run meanwhile", async () => {
    const { chunks, timers, window, send } = reading();
    send("a");
    window.spend(100);
    const arriving = chunks.next();
    await Promise.resolve();
    expect(Bun.peek.status(arriving as Promise<unknown>)).toBe("pending");
    expect(timers).toEqual(["settled"]);
    window.credit(1);
    expect(textOf(await arriving)).toBe("a");
  });

  test("that break off are told as such, waited for or not", async () => {
    const broken: unknown = expect.objectContaining({ code: "provider_cut" });
    const waiting = reading();
    const arriving = waiting.chunks.next() as Promise<unknown>;
    waiting.cut();
    expect(await arriving.catch((error: unknown) => error)).toEqual(broken);
    const before = reading();
    before.cut();
    const next = async (): Promise<unknown> => before.chunks.next();
    expect(await next().catch((error: unknown) => error)).toEqual(broken);
  });

  test("come one by one to whoever wants them so", async () => {
    const { chunks, send, close } = reading();
    send("a");
    send("b");
    const seen: string[] = [];
    for await (const chunk of chunks.each()) {
      seen.push(Buffer.from(chunk).toString());
      if (seen.length === 2) send("c");
      if (seen.length === 3) close();
    }
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("after the end are read for a second at most, without credit, whatever comes", async () => {
    const { chunks, timers, window, send, close } = reading();
    window.spend(100);
    chunks.drain();
    expect(timers).toEqual([1000]);
    send("late");
    close();
    while (timers.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(timers).toEqual([1000, "settled"]);
  });
});
