// Tests: the real exporter thread with a way to be killed from outside, by the name in its resource attributes.

import { openSync } from "node:fs";
import { workerData } from "node:worker_threads";
import type { ExporterStart } from "../../src/protocol/exporter-message.ts";

const { resource } = workerData as ExporterStart;
const { mortal = "" } = JSON.parse(resource) as { readonly mortal?: string };
const channel = new BroadcastChannel(mortal);
channel.addEventListener("message", ({ data }) => {
  if (data === "throw") throw new Error("killed by a test");
  if (data === "exit") process.exit(9);
  // As a disk does that does not answer: the system call does not return, and the thread cannot be ended.
  if (String(data).startsWith("hang ")) openSync(String(data).slice(5), "r");
  if (data === "stall") for (const end = Date.now() + 1500; Date.now() < end;);
});

// Only now: once it says that it is ready, it can be killed.
await import("../../src/tracing/exporter/exporter-entry.ts");
