// Tests: a process with an exporter thread of its own, to be killed. Reads the start from its argument, commits
// calls as fast as it may, as long as a second one says, and prints each call's id only once it is acknowledged.

import { Worker } from "node:worker_threads";
import { threadEntry } from "../../src/entrypoints.ts";
import type { ExporterEvent, ExporterStart } from "../../src/protocol/exporter-message.ts";
import { exporterWords, finished, testCall } from "./exporter-harness.ts";

const worker = new Worker(threadEntry("exporter"), {
  workerData: JSON.parse(process.argv[2] ?? "") as ExporterStart,
});
const inFlight = 20;
const padding = Number(process.argv[3] ?? 0);
const afterLossMs = 20;

worker.on("message", (event: ExporterEvent) => {
  if (event.kind === "ready" && event.error !== "") {
    process.stdout.write(`error ${event.error}\n`);
    process.exit(1);
  }
  if (event.kind === "ready") {
    const open = testCall({ openFrom: 1 });
    const { call, spans, spanCount, sampled } = open;
    const part = "server";
    worker.postMessage(exporterWords({ kind: "journal", part, call, spans, spanCount, sampled }));
    process.stdout.write(`open ${open.spanIds.join(" ")}\n`);
    for (let count = 0; count < inFlight; count += 1) post();
  }
  if (event.kind === "failed") {
    for (const call of event.calls.split(" ")) {
      process.stdout.write("failed\n");
      spansOf.delete(call);
      setTimeout(post, afterLossMs);
    }
  }
  if (event.kind !== "committed") return;
  for (const call of event.calls.split(" ")) {
    process.stdout.write(`${spansOf.get(call)}\n`);
    spansOf.delete(call);
    post();
  }
});

const spansOf = new Map<string, string>();

function post(): void {
  const call = testCall({ padding });
  spansOf.set(call.call, `acknowledged ${call.spanIds.join(" ")}`);
  worker.postMessage(exporterWords(finished(call)));
}
