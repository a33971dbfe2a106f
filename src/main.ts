// The command line: one line per command. Main thread.

import { defineCommand, runMain } from "citty";

import { raiseRequestLimit } from "./request-limit.ts";
import { version } from "./version.ts";

raiseRequestLimit();

await runMain(
  defineCommand({
    meta: { name: "everyspan", version, description: "An LLM gateway that never loses a span" },
    subCommands: {
      serve: () => import("./commands/serve.ts").then((module) => module.default),
      demo: () => import("./commands/demo.ts").then((module) => module.default),
      status: () => import("./commands/status.ts").then((module) => module.default),
      check: () => import("./commands/check.ts").then((module) => module.default),
    },
  }),
);
