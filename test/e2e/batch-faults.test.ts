// Worker threads that die under a batch, by a guardrail module that ends them: every row is accounted for, none is
// missing or twice, and only the rows that kill are given up. Real processes, real sockets.

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import type { Script } from "../../src/demo/provider-script.ts";
import { waitFor } from "../support/wait-for.ts";
import { batchFolder, type BatchFolder } from "../support/batch-process.ts";

setDefaultTimeout(60_000);

const rowCount = 300;
const atOnce = 16;

let provider: ScriptedProvider;
let folder: BatchFolder;
let receiver: ReturnType<typeof startOtlpReceiver>;

afterEach(() => {
  provider.stop();
  receiver.stop();
  folder.remove();
});

function begin(threads: number, textOf: (row: number) => string): void {
  receiver = startOtlpReceiver();
  provider = startScriptedProvider({ script: () => ({ text: "fine", delayMs: 15 }) });
  const module = fileURLToPath(new URL("../support/trouble-guardrail.ts", import.meta.url));
  folder = batchFolder({
    provider: provider.url,
    receiver: receiver.url,
    config: {
      pool: { threads, stall_timeout: "700ms" },
      guardrails: [
        {
          name: "trouble",
          type: "module",
          path: module,
          modes: ["pre_call"],
          always: true,
          timeout: "30s",
        },
      ],
    },
  });
  const lines = Array.from({ length: rowCount }, (_, at) =>
    JSON.stringify({ id: at, text: `row-${at} ${textOf(at)}` }),
  );
  folder.file("in.jsonl", `${lines.join("\n")}\n`);
}

const words = ["in.jsonl", "--output", "out.jsonl", "--model", "gpt-4o-mini"];
const options = ["--prompt", "{{text}}", "--concurrency", String(atOnce)];

/** Of the last run: each row once, in order; all ok but those that kill. */
function expectOnlyKillersFailed(killers: ReadonlySet<number>, stderr: string): void {
  const rows = folder.rows("out.jsonl");
  expect(rows.map((row) => row["id"])).toEqual(Array.from({ length: rowCount }, (_, at) => at));
  const failed = rows.filter((row) => row["error"] !== null);
  expect(failed.map((row) => row["id"])).toEqual([...killers]);
  for (const row of failed) expect(String(row["error"])).toStartWith("worker_lost");
  expect(stderr).toContain(`ok ${rowCount - killers.size}   failed ${killers.size}   skipped 0`);
}

/** Every sending of a row is one whole trace, and the account has all spans. */
function expectWholeTraces(stderr: string): void {
  const spans = receiver.spans();
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  const roots = spans.filter(({ name }) => name === "batch_row");
  const chats = spans.filter(({ name }) => name.startsWith("chat "));
  const rootIds = new Set(roots.map(({ spanId }) => spanId));
  expect(chats.length).toBe(roots.length);
  expect(chats.every(({ parentSpanId }) => rootIds.has(parentSpanId))).toBe(true);
  expect(new Set(roots.map(({ attributes }) => attributes["everyspan.batch.row"])).size).toBe(
    rowCount,
  );
  const attempts = new Set(spans.filter(({ name }) => name === "POST").map((span) => span.spanId));
  const told = provider.requests.map(({ headers }) => headers["traceparent"]?.split("-")[2] ?? "");
  expect(told.filter((spanId) => !attempts.has(spanId))).toEqual([]);
  expect(stderr).toContain(`committed ${spans.length}   lost 0`);
  expect(stderr).toContain(`exported ${spans.length}   pending 0`);
}

test.each([
  ["exit", 1],
  ["exit", 2],
  ["throw-late", 2],
  ["spin", 2],
] as const)(
  "rows that end their thread by %s, of %d, take no other row along",
  async (how, threads) => {
    const killers = new Set([20, 25, 150]);
    begin(threads, (row) => (killers.has(row) ? `TROUBLE-${how}` : "hello"));
    const { code, stderr } = await folder.run(...words, ...options);
    expect(code).toBe(1);
    expectOnlyKillersFailed(killers, stderr);
    expectWholeTraces(stderr);
  },
);

test("a provider that is gone for a while costs no row, and is asked as fast as before when it is back", async () => {
  const many = 3000;
  receiver = startOtlpReceiver();
  const script = (): Script => ({ text: "fine", delayMs: 15 });
  provider = startScriptedProvider({ script });
  const { port } = new URL(provider.url);
  folder = batchFolder({ provider: provider.url });
  folder.file("in.jsonl", Array.from({ length: many }, (_, at) => `{"id":${at}}`).join("\n"));
  const running = folder.start(...words, "--prompt", "{{id}}");
  await waitFor(() => provider.callCount() >= 300, 20_000, "300 calls");
  provider.stop();
  await Bun.sleep(4000); // how long it is gone
  provider = startScriptedProvider({ script, port: Number(port) });
  const backMs = performance.now();
  const { code, stderr } = await running.done;
  expect(stderr).toContain(`ok ${many}   failed 0   skipped 0`);
  expect(code).toBe(0);
  expect(performance.now() - backMs).toBeLessThan(25_000);
});

test("a provider that was never there ends the run, not each row of it", async () => {
  receiver = startOtlpReceiver();
  provider = startScriptedProvider({});
  provider.stop();
  folder = batchFolder({ provider: provider.url });
  folder.file("in.jsonl", Array.from({ length: 3000 }, (_, at) => `{"id":${at}}`).join("\n"));
  const { code, stderr } = await folder.run(...words, "--prompt", "{{id}}", "--concurrency", "16");
  expect(stderr).toContain("stopped   no row reaches the provider");
  expect(code).toBe(1);
});

test("an account that has nothing left ends the run; once it has, the same command goes on", async () => {
  let credit = 40;
  const message = "You exceeded your current quota, please check your plan and billing details.";
  const error = { message, type: "insufficient_quota", param: null, code: "insufficient_quota" };
  receiver = startOtlpReceiver();
  provider = startScriptedProvider({
    script: () =>
      --credit >= 0 ? { text: "fine" } : { status: 429, body: JSON.stringify({ error }) },
  });
  folder = batchFolder({ provider: provider.url, receiver: receiver.url });
  folder.file("in.jsonl", Array.from({ length: 3000 }, (_, at) => `{"id":${at}}`).join("\n"));
  const all = [...words, "--prompt", "{{id}}", "--concurrency", "8"];
  const { code, stderr } = await folder.run(...all);
  expect(code).toBe(1);
  expect(stderr).toContain("stopped   the account at the provider has nothing left (You exceeded");
  expect(provider.callCount()).toBeLessThan(40 + 3 * 8);
  credit = Number.POSITIVE_INFINITY;
  const again = await folder.run(...all, "--retry-failed");
  const rest = await folder.run(...all);
  expect(`${again.stderr}${rest.stderr}`).toContain("failed 0");
  expect(rest.code).toBe(0);
  const rows = folder.rows("out.jsonl");
  expect(rows.map((row) => row["id"])).toEqual(Array.from({ length: 3000 }, (_, at) => at));
  expect(rows.filter((row) => row["error"] !== null)).toEqual([]);
});
