// What a terminal is sent while a batch runs: a real one, with a process of its own in it.

import { expect, test } from "bun:test";
import { resolve } from "node:path";

const progress = resolve(import.meta.dir, "../../../src/commands/batch-progress.ts");
const script = `
  import { showProgress } from ${JSON.stringify(progress)};
  const figures = { ok: 1, failed: 0, kept: 0, inputTokens: 0, outputTokens: 0, cost: 0, unpriced: 0 };
  const picture = { inFlight: 1, slots: 2, callsPerSecond: undefined, refused: 0, pausedUntilMs: 0 };
  const shown = showProgress(() => ({ figures, picture, rows: 4, elapsedMs: 1000, pauseMs: 0 }), process.env.TERM);
  await Bun.sleep(500);
  shown.say("a line");
  shown.end();
`;

async function onTerminal(term: string): Promise<string> {
  let sent = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env["PATH"] ?? "", TERM: term },
    terminal: {
      cols: 40,
      rows: 10,
      data(_, bytes) {
        sent += decoder.decode(bytes, { stream: true });
      },
    },
  });
  await child.exited;
  child.terminal?.close();
  return sent;
}

test("a terminal has a bar that is written over, no longer than its line", async () => {
  const sent = await onTerminal("xterm");
  expect(sent).toContain("\r\x1b[K█████░");
  const drawn = sent.split("\r\x1b[K").filter((line) => line.includes("█"));
  for (const line of drawn) expect(line.length).toBeLessThan(40);
  expect(sent).toContain("a line\r\n");
});

test("a terminal that knows no escape sequences is sent none", async () => {
  expect(await onTerminal("dumb")).toBe("a line\r\n");
});
