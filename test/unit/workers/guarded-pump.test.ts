import { describe, expect, test } from "bun:test";
import { pumpGuarded } from "../../../src/workers/guarded-pump.ts";
import type { GuardedPump } from "../../../src/workers/guarded-pump.ts";
import { createHeldFrames } from "../../../src/workers/guardrails/held-frames.ts";
import type { HeldFramesOptions } from "../../../src/workers/guardrails/held-frames.ts";
import { createPlainStreamReader } from "../../../src/workers/providers/plain-stream-reader.ts";
import { waitFor } from "../../support/wait-for.ts";

const event = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
const done = "data: [DONE]\n\n";
const words = "a few words that are long enough to have left already ";

interface Outlet {
  readonly parts: string[];
  drained: boolean;
}

function pumpOf(
  chunks: AsyncGenerator<Uint8Array, void>,
  check: HeldFramesOptions["check"],
  incomplete?: Error,
): { readonly pump: GuardedPump; readonly outlet: Outlet } {
  const outlet: Outlet = { parts: [], drained: false };
  const reader = createPlainStreamReader();
  const held = createHeldFrames({
    api: "openai",
    holdbackChars: 8,
    windowChars: 10_000,
    windowMs: 5,
    whole: false,
    nowMs: () => performance.now(),
    decode: (binary) => binary,
    encode: (text) => text,
    check,
  });
  return {
    outlet,
    pump: {
      chunks,
      held,
      read: (frame) => reader.read(frame),
      post: (text) => outlet.parts.push(text),
      drain() {
        outlet.drained = true;
      },
      assertComplete() {
        if (incomplete !== undefined) throw incomplete;
      },
      frameCharsMax: 1024,
    },
  };
}

async function* chunksOf(
  texts: readonly string[],
  last?: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text);
  await last?.();
}

describe("a guarded stream", () => {
  test("leaves in parts, its last frame kept for the commit", async () => {
    const { pump, outlet } = pumpOf(
      chunksOf([event(words), event(words), done]),
      async (shown) => shown,
    );
    const last = await pumpGuarded(pump);
    expect(last).toBe(done);
    expect(outlet.parts.join("")).toBe(event(words) + event(words));
    expect(outlet.drained).toBe(true);
  });

  test("is checked after a while even when the provider falls silent", async () => {
    let speak = (): void => undefined;
    const silence = new Promise<void>((resolve) => {
      speak = resolve;
    });
    const frames = [words, words, words].map(event);
    const { pump, outlet } = pumpOf(
      chunksOf(frames, () => silence),
      async (shown) => shown,
    );
    const running = pumpGuarded(pump);
    await waitFor(() => outlet.parts.join("") === frames.slice(0, 2).join(""), 2000, "two frames");
    speak();
    expect(outlet.parts.join("") + (await running)).toBe(frames.join(""));
  });

  test("that breaks off while a check runs ends with that, once the check is over", async () => {
    const broken = new Error("provider cut");
    let finish = (): void => undefined;
    const checking = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let checks = 0;
    const cut = async (): Promise<void> => {
      await waitFor(() => checks > 0, 2000, "a check");
      throw broken;
    };
    const { pump } = pumpOf(chunksOf([event(words), event(words)], cut), async (shown) => {
      checks++;
      await checking;
      return shown;
    });
    const running = pumpGuarded(pump);
    setTimeout(finish, 20);
    expect(running).rejects.toBe(broken);
    await running.catch(() => undefined);
  });

  test("that closes before its end lets nothing more go", async () => {
    const incomplete = new Error("incomplete");
    const { pump, outlet } = pumpOf(chunksOf([event("short")]), async (shown) => shown, incomplete);
    expect(pumpGuarded(pump)).rejects.toBe(incomplete);
    expect(outlet.parts).toEqual([]);
  });

  test("ends with what its check threw", async () => {
    const blocked = new Error("blocked");
    const { pump, outlet } = pumpOf(chunksOf([event(words), done]), () => Promise.reject(blocked));
    expect(pumpGuarded(pump)).rejects.toBe(blocked);
    expect(outlet.parts).toEqual([]);
  });
});
