// The command line: one line per command. Main thread.

import type { CommandDef } from "citty";

import { runCommandLine } from "./command-line.ts";
import { applyStartSettings } from "./start-settings.ts";

/** Loaded only when asked for, so that `status` starts no server's code. */
const commands: Readonly<Record<string, () => Promise<CommandDef>>> = {
  serve: async () => (await import("./commands/serve.ts")).serve,
  batch: async () => (await import("./commands/batch.ts")).batch,
  demo: async () => (await import("./commands/demo.ts")).demo,
  status: async () => (await import("./commands/status.ts")).status,
  check: async () => (await import("./commands/check.ts")).check,
};

const words = process.argv.slice(2);
applyStartSettings(words[0]);
await runCommandLine(words, commands);
