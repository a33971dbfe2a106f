// A batch that is killed, interrupted, changed: what the same command makes of it. Real processes, real sockets.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { batchFolder, type BatchFolder } from "../support/batch-process.ts";
import { waitFor } from "../support/wait-for.ts";

const rowCount = 1500;
const atOnce = 16;

let provider: ScriptedProvider;
let folder: BatchFolder;
let receiver: ReturnType<typeof startOtlpReceiver>;

function begin(delayMs: number): void {
  receiver = startOtlpReceiver();
  provider = startScriptedProvider({
    script: ({ body }) => ({
      text: JSON.stringify({ label: body.includes("-even") ? "even" : "odd" }),
      delayMs,
    }),
  });
  folder = batchFolder({ provider: provider.url, receiver: receiver.url });
  const lines = Array.from({ length: rowCount }, (_, at) =>
    JSON.stringify({ id: at, word: `row-${at}-${at % 2 === 0 ? "even" : "odd"}` }),
  );
  folder.file("in.jsonl", `${lines.join("\n")}\n`);
}

afterEach(() => {
  provider.stop();
  receiver.stop();
  folder.remove();
});

const words = [
  "in.jsonl",
  "--output",
  "out.jsonl",
  "--model",
  "gpt-4o-mini",
  "--prompt",
  "What is {{word}}.",
  "--labels",
  "even,odd",
  "--concurrency",
  String(atOnce),
];

/** How often each row reached the provider, by its number. */
function sendings(): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { body } of provider.requests) {
    const row = Number(/row-(\d+)-/.exec(body)?.[1]);
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  return counts;
}

function expectWholeOutput(): void {
  const rows = folder.rows("out.jsonl");
  expect(rows.map((row) => row["id"])).toEqual(Array.from({ length: rowCount }, (_, at) => at));
  expect(rows.every((row) => row["label"] === (Number(row["id"]) % 2 === 0 ? "even" : "odd"))).toBe(
    true,
  );
}

describe("a batch that is killed", () => {
  test("goes on with the same command: no row missing, none twice, only what was in flight sent again", async () => {
    begin(5);
    let kills = 0;
    for (const after of [200, 600, 1100]) {
      const running = folder.start(...words);
      await waitFor(() => provider.callCount() >= after, 15_000, `${after} calls`);
      running.kill("SIGKILL");
      const { code } = await running.done;
      expect(code).toBe(null);
      kills += 1;
    }
    const last = await folder.run(...words);
    expect(last.stderr).toContain(`ok ${rowCount}   failed 0   skipped 0`);
    expect(last.code).toBe(0);
    expectWholeOutput();
    const twice = [...sendings().values()].filter((count) => count > 1);
    expect(sendings().size).toBe(rowCount);
    expect(twice.length).toBeLessThanOrEqual(kills * atOnce);
  }, 60_000);

  test("has a trace for every call that was sent, and none for what was not", async () => {
    begin(30);
    const running = folder.start(...words);
    await waitFor(() => provider.callCount() >= 300, 15_000, "300 calls");
    running.kill("SIGKILL");
    await running.done;
    const last = await folder.run(...words);
    expect(last.code).toBe(0);
    const sent = receiver.spans();
    const byId = new Map(sent.map((span) => [span.spanId, span]));
    const spans = [...byId.values()];
    // What the receiver had taken when the process died, and nobody knew of yet, comes once more, as it was.
    expect(sent.filter((span) => !Bun.deepEquals(span, byId.get(span.spanId)))).toEqual([]);
    const roots = spans.filter((span) => span.name === "batch_row");
    const chats = spans.filter((span) => span.name.startsWith("chat "));
    // A row that was opened and not yet sent when the process died has a trace, too.
    expect(roots.length).toBeGreaterThanOrEqual(provider.callCount());
    expect(roots.length).toBeLessThanOrEqual(rowCount + atOnce);
    expect(chats.length).toBe(roots.length);
    const interrupted = roots.filter((span) => span.attributes["everyspan.interrupted"] === true);
    expect(interrupted.length).toBe(roots.length - rowCount);
    // Those in flight, too, are found by what their provider was told.
    const attempts = new Set(
      spans.filter(({ name }) => name === "POST").map((span) => span.spanId),
    );
    const told = provider.requests.map(
      ({ headers }) => headers["traceparent"]?.split("-")[2] ?? "",
    );
    expect(told.filter((spanId) => !attempts.has(spanId))).toEqual([]);
  }, 60_000);
});

test.each([
  ["longer", (text: string) => `${text}{"id":"more","word":"row-9999-even"}\n`],
  ["different", (text: string) => text.replace("row-1499-", "row-2499-")],
])(
  "an input that is %s by the time it is read again stops the run and says so",
  async (_, edit) => {
    begin(20);
    const wide = `"word":"${"x".repeat(1000)} `; // so that it is not read as a whole at once
    folder.file("in.jsonl", folder.read("in.jsonl").replaceAll('"word":"', wide));
    const running = folder.start(...words);
    await waitFor(() => provider.callCount() >= 100, 15_000, "100 calls");
    folder.file("in.jsonl", edit(folder.read("in.jsonl")));
    const { code, stderr } = await running.done;
    expect(stderr).toContain("stopped   in.jsonl has changed since the run began");
    expect(code).toBe(1);
    expect(sendings().has(9999)).toBe(false);
  },
  60_000,
);

describe("a batch that is interrupted", () => {
  test.each(["SIGINT", "SIGHUP"] as const)(
    "finishes what is in flight at %s and goes on later, sending nothing twice",
    async (signal) => {
      begin(20);
      const running = folder.start(...words);
      await waitFor(() => provider.callCount() >= 200, 15_000, "200 calls");
      running.kill(signal);
      const first = await running.done;
      expect(first.code).toBe(1);
      expect(first.stderr).toContain("finishing the rows in flight");
      const written = folder.rows("out.jsonl").length;
      expect(written).toBe(provider.callCount());
      const second = await folder.run(...words);
      expect(second.code).toBe(0);
      expect(second.stderr).toContain(`(${written} from before)`);
      expectWholeOutput();
      expect(provider.callCount()).toBe(rowCount);
    },
    60_000,
  );

  test("does not wait for rows that the provider has put off, and sends them later", async () => {
    begin(5);
    let served = 0;
    const limited = startScriptedProvider({
      script: () =>
        ++served <= 40
          ? { text: JSON.stringify({ label: "odd" }) }
          : { status: 429, headers: { "retry-after": "600" }, text: "" },
    });
    const config = folder.read("everyspan.yaml");
    folder.file("everyspan.yaml", config.replaceAll(provider.url, limited.url));
    const running = folder.start(...words);
    await waitFor(() => served > 40, 15_000, "a refusal");
    await Bun.sleep(100);
    running.kill("SIGINT");
    const first = await running.done;
    expect(first.stderr).toContain(`rows      ok 40   failed 0   skipped ${rowCount - 40}`);
    expect(first.stderr).toContain("stopped   SIGINT; the same command goes on from here");
    limited.stop();
    folder.file("everyspan.yaml", config);
    const second = await folder.run(...words);
    expect(second.stderr).toContain(`rows      ok ${rowCount}   failed 0   skipped 0`);
    expect(provider.callCount()).toBe(rowCount - 40);
    const spans = receiver.spans();
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter((span) => span.parentSpanId !== "" && !ids.has(span.parentSpanId))).toEqual(
      [],
    );
    const told = limited.requests.map(({ headers }) => headers["traceparent"]?.split("-")[2]);
    expect(told.filter((id) => id === undefined || !ids.has(id))).toEqual([]);
  }, 60_000);

  test("leaves at once when it is interrupted twice", async () => {
    begin(20_000);
    const running = folder.start(...words);
    await waitFor(() => provider.callCount() >= atOnce, 15_000, "calls in flight");
    running.kill("SIGINT");
    await Bun.sleep(100);
    const askedMs = performance.now();
    running.kill("SIGINT");
    const { code } = await running.done;
    expect(code).toBe(1);
    expect(performance.now() - askedMs).toBeLessThan(3000);
  }, 30_000);
});

test("a limit that is over tomorrow stops the run; it does not make errors of all rows", async () => {
  begin(5);
  let served = 0;
  const limited = startScriptedProvider({
    script: () =>
      ++served <= 200
        ? { text: JSON.stringify({ label: "odd" }) }
        : { status: 429, headers: { "retry-after": "80000" }, text: "" },
  });
  const config = folder.read("everyspan.yaml");
  folder.file("everyspan.yaml", config.replaceAll(provider.url, limited.url));
  const first = await folder.run(...words);
  limited.stop();
  expect(first.stderr).toContain("stopped   the provider answers 429 to every row");
  expect(limited.callCount()).toBeLessThan(200 + 10 + 2 * atOnce);
  folder.file("everyspan.yaml", config);
  const second = await folder.run(...words, "--retry-failed");
  expect(second.stderr).toContain(`rows      ok ${rowCount}   failed 0   skipped 0`);
  expect(provider.callCount()).toBe(rowCount - 200);
}, 60_000);

describe("a batch whose disk is full", () => {
  test("stops, says so, and goes on when there is room, paying for no committed row twice", async () => {
    begin(2);
    const small = join(folder.path, "small");
    mkdirSync(small);
    const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=2m", "none", small]);
    if (mounted.exitCode !== 0) return console.log("skipped: no right to mount a small disk");
    try {
      const there = words.map((word) => (word === "out.jsonl" ? "small/out.jsonl" : word));
      const first = await folder.run(...there);
      expect(first.code).toBe(1);
      expect(first.stderr).toContain("the same command goes on from here");
      expect(provider.callCount()).toBeGreaterThan(50);
      expect(provider.callCount()).toBeLessThan(rowCount);
      Bun.spawnSync(["mount", "-o", "remount,size=64m", small]);
      const second = await folder.run(...there);
      expect(second.stderr).toContain(`ok ${rowCount}   failed 0   skipped 0`);
      expect(second.code).toBe(0);
      expect(folder.rows("small/out.jsonl").map((row) => row["id"])).toEqual(
        Array.from({ length: rowCount }, (_, at) => at),
      );
      const twice = [...sendings().values()].filter((count) => count > 1);
      expect(twice.length).toBeLessThanOrEqual(2 * atOnce);
    } finally {
      Bun.spawnSync(["umount", "-l", small]);
    }
  }, 90_000);
});

describe("another job with the same output", () => {
  test("is refused, with what differs, until it is told to start over", async () => {
    begin(0);
    expect((await folder.run(...words)).code).toBe(0);
    const calls = provider.callCount();
    const other = words.map((word) => (word.startsWith("What") ? "Which is {{word}}?" : word));
    const prompt = await folder.run(...other);
    expect(prompt.code).toBe(2);
    expect(prompt.stderr).toContain("another prompt;");
    const model = await folder.run(...words.map((word) => word.replace("gpt-4o-mini", "gpt-4o")));
    expect(model.stderr).toContain("another model;");
    folder.file("in.jsonl", `${JSON.stringify({ id: 0, word: "row-0-even" })}\n`);
    const input = await folder.run(...words);
    expect(input.stderr).toContain("another input;");
    expect(provider.callCount()).toBe(calls);
    const again = await folder.run(...words, "--restart");
    expect(again.code).toBe(0);
    expect(folder.rows("out.jsonl").length).toBe(1);
    expect(provider.callCount()).toBe(calls + 1);
  }, 60_000);
});
