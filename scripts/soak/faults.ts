// Soak: the faults, each drawn at random. What is done to the provider and by the clients comes with each call; what
// is done to the receiver, the ledger and the worker threads comes beside them.

import { Database } from "bun:sqlite";

import type { OtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import type { Script } from "../../src/demo/provider-script.ts";
import type { ReceiverBehaviour } from "../../src/demo/receiver-behaviour.ts";
import type { RandomSource } from "../../test/support/random-source.ts";

/** What a provider does with a call: mostly its work. */
export function providerScript(random: RandomSource, stream: boolean): Script {
  if (random.next() < 0.75) {
    const ms = random.between(0, 120);
    return stream ? { chunks: random.between(1, 12), chunkDelayMs: ms / 8 } : { delayMs: ms };
  }
  return random.pick<Script>([
    { status: 429, headers: { "retry-after": "0" } },
    { status: 500 },
    { failFirst: { times: 1, status: 503, headers: { "retry-after": "0" } } },
    { cutBeforeHeaders: true },
    { chunks: 8, chunkDelayMs: 5, cutAfterChunks: 3 },
    { chunks: 8, chunkDelayMs: 5, cutAfterChunks: 3, cutBy: "reset" },
    { hang: "before-headers" },
    { hang: "between-chunks" },
    { hang: "after-last" },
    { omitDone: true },
    { errorAfterChunks: 2 },
    { garbage: true },
    { gzip: true, splitBytes: 7 },
    { headers: { "content-type": "text/html" }, body: "<html></html>" },
    { headers: { "content-encoding": "gzip" }, body: "no gzip" },
    { text: "x".repeat(400_000), chunks: 40 },
    { delayMs: 2500 },
  ]);
}

/** A prompt: once in a while one that makes the guardrail module break its worker thread. */
export function prompt(random: RandomSource): string {
  if (random.next() < 0.996) return `prompt ${random.next()}`;
  return `TROUBLE-${random.pick(["wait-then-spin", "throw-late", "reject-late", "exit", "spin"])}`;
}

/** When a client loses patience, if it does. */
export function leaveAfterMs(random: RandomSource): number | undefined {
  return random.next() < 0.1 ? random.between(1, 400) : undefined;
}

const receiverFaults: readonly ReceiverBehaviour[] = [
  { kind: "status", status: 500 },
  { kind: "status", status: 503 },
  { kind: "status", status: 429, headers: { "retry-after": "1" } },
  { kind: "hang" },
  { kind: "reset" },
  { kind: "slow", delayMs: 300 },
];

/** Breaks the receiver for a while. */
export async function troubleReceiver(receiver: OtlpReceiver, random: RandomSource): Promise<void> {
  receiver.setBehaviour(random.pick(receiverFaults));
  await Bun.sleep(random.between(50, 2500));
  receiver.setBehaviour({ kind: "accept" });
}

/** Holds the ledger's write lock for a while, as a slow disk would. */
export async function troubleLedger(path: string, random: RandomSource): Promise<void> {
  const database = new Database(path);
  try {
    database.run("PRAGMA busy_timeout = 2000");
    database.run("BEGIN IMMEDIATE");
    await Bun.sleep(random.between(20, 900));
    database.run("ROLLBACK");
  } finally {
    database.close();
  }
}
