// `everyspan serve`: the gateway, until a signal ends it. Main thread.

import { isIP } from "node:net";
import { availableParallelism } from "node:os";

import { defineCommand } from "citty";
import type { ArgsDef, CommandDef } from "citty";

import { readEnvironment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { StartError, startGateway } from "../server/gateway.ts";
import type { Farewell, Gateway } from "../server/gateway.ts";
import { version } from "../version.ts";
import { callLine } from "./call-line.ts";
import { findProblems, problemsText } from "./check.ts";
import { onLeaveSignal } from "./leave-signals.ts";
import { sayNotice } from "./say-notice.ts";

const options = {
  config: {
    type: "string",
    valueHint: "FILE",
    description: "Configuration file (else EVERYSPAN_CONFIG, else ./everyspan.yaml, else none)",
  },
  host: { type: "string", description: "Address to listen on (default: 127.0.0.1)" },
  port: { type: "string", description: "Port to listen on, 0 for a free one (default: 4000)" },
  unix: { type: "string", valueHint: "PATH", description: "Unix socket to listen on instead" },
  quiet: { type: "boolean", description: "No line per call" },
} as const satisfies ArgsDef;

const command = defineCommand({
  meta: { name: "serve", description: "Run the gateway" },
  args: options,
  async run({ args }) {
    const loaded = loadConfig({
      path: args.config,
      environment: readEnvironment(),
      overrides: { host: args.host, port: args.port, unix: args.unix },
      workingDirectory: process.cwd(),
      cores: availableParallelism(),
    });
    const problems = await findProblems(loaded);
    if (!loaded.ok || problems.length > 0) {
      console.error(problemsText(loaded.source, problems));
      process.exit(2);
    }
    for (const warning of loaded.warnings) console.warn(`warning: ${warning}`);
    const lines = process.stdout.isTTY && args.quiet !== true;
    let gateway: Gateway;
    try {
      gateway = await startGateway({
        config: loaded.config,
        version,
        notice: sayNotice,
        // By console.log, which bears a terminal that is gone: a line that is lost ends no gateway.
        ...(lines && { onCall: (report, ms) => console.log(callLine(report, ms)) }),
      });
    } catch (error) {
      console.error(startFailure(error, loaded.config));
      process.exit(1);
    }
    // The last line of defence: a bug in one call must not end all the others.
    for (const event of ["uncaughtException", "unhandledRejection"] as const) {
      process.on(event, (error: unknown) => {
        console.error("error: a bug in everyspan:", error instanceof Error ? error.stack : error);
      });
    }
    // First, for whoever reads the welcome may send a signal at once.
    const isTracingOff = loaded.config.tracing.disabled;
    onLeaveSignal((signal) => void leave(gateway, signal, isTracingOff), gateway.hurry);
    console.warn(welcome(gateway, loaded.config, loaded.source));
  },
});

export const serve: CommandDef = command as unknown as CommandDef;

async function leave(gateway: Gateway, signal: string, isTracingOff: boolean): Promise<void> {
  console.warn(`${signal}: finishing the calls in flight (once more to hurry)`);
  const last = await gateway.stop();
  console.warn(isTracingOff ? "stopped" : farewell(last));
  process.exit(0);
}

function welcome(gateway: Gateway, config: Config, source: string): string {
  const lines = [
    `everyspan ${version} listening on ${gateway.url}`,
    `  configuration  ${source}`,
    `  traces go to   ${whereTracesGo(config)}`,
  ];
  if (gateway.ledgerError !== "") lines.push(`  ledger         ${ledgerTrouble(gateway, config)}`);
  if (!gateway.url.startsWith("unix:")) {
    lines.push(
      `  try it         OPENAI_BASE_URL=${gateway.url}/v1  or  ANTHROPIC_BASE_URL=${gateway.url}`,
    );
  }
  return lines.join("\n");
}

function ledgerTrouble({ ledgerError }: Gateway, { tracing }: Config): string {
  const isRefusing = tracing.ledger.onFailure === "refuse";
  const what = isRefusing ? "new calls are refused" : "calls are served and their traces lost";
  return `${ledgerError.replace(/^ledger /, "")}; while that lasts, ${what}`;
}

function whereTracesGo({ tracing: { destinations, ledger, disabled } }: Config): string {
  if (disabled) return "nowhere: tracing is off (OTEL_SDK_DISABLED, or tracing.disabled)";
  if (destinations.length === 0) {
    return `the ledger alone (${ledger.path}); look at them with \`everyspan status --last 5\``;
  }
  return destinations.map(({ name, endpoint }) => `${name} (${withoutQuery(endpoint)})`).join(", ");
}

/** A query may hold a key. */
function withoutQuery(endpoint: string): string {
  return endpoint.split("?", 1)[0] ?? "";
}

function farewell({ ledger, uncommittedSpans }: Farewell): string {
  const uncommitted = uncommittedSpans === 0 ? "" : `; ${uncommittedSpans} spans never committed`;
  if (ledger === undefined) return `stopped; the ledger did not answer in time${uncommitted}`;
  const kept = ledger.destinations
    .filter(({ pending }) => pending > 0)
    .map(({ name, pending }) => `${pending} spans for ${name}`);
  const rest =
    kept.length === 0 ? "" : `; kept in the ledger for the next start: ${kept.join(", ")}`;
  return `stopped: ${ledger.committed} spans committed, ${ledger.lost} lost${uncommitted}${rest}`;
}

function startFailure(error: unknown, config: Config): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StartError) return message;
  const { host, port, unix } = config.server;
  const isInUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  if (isInUse && unix === undefined && isIP(host) === 0 && host !== "localhost") {
    // Bun says the same of a name that it does not find.
    return `cannot listen on ${host}:${port}: is the port in use, or ${host} no address of this machine?`;
  }
  return `cannot listen on ${unix ?? `${host}:${port}`}: ${message}`;
}
