// `everyspan status`: what the ledger knows, read without disturbing a running `serve`. Main thread.

import { availableParallelism } from "node:os";
import { resolve } from "node:path";

import { defineCommand } from "citty";
import type { CommandDef } from "citty";

import { readEnvironment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { openLedgerReader, requestRetry } from "../tracing/exporter/ledger-reader.ts";
import type { LedgerReader } from "../tracing/exporter/ledger-reader.ts";
import { version } from "../version.ts";
import { problemsText } from "./check.ts";
import { flushLedger } from "./flush-ledger.ts";
import { print } from "./print.ts";
import { accountText, callsText, rejectedText } from "./status-text.ts";

const args = {
  ledger: {
    type: "positional",
    required: false,
    description: "A ledger file (default: the configuration's)",
  },
  config: { type: "string", valueHint: "FILE", description: "Configuration file" },
  json: { type: "boolean", description: "Print JSON" },
  trace: { type: "string", valueHint: "ID", description: "Show the calls of a trace" },
  last: { type: "string", valueHint: "N", description: "Show the last N calls" },
  rejected: { type: "boolean", description: "Show what destinations refused, and why" },
  "retry-rejected": {
    type: "string",
    valueHint: "NAME",
    description: "Send a destination's refused calls again (a running serve does it)",
  },
  flush: {
    type: "boolean",
    description: "With no serve running: close interrupted calls and export what is pending",
  },
} as const;

const exitFailed = 1;
const exitUsage = 2;
const lastMax = 1000;

const command = defineCommand({
  meta: { name: "status", description: "Calls, destinations and traces in the ledger" },
  args,
  async run({ args: given }) {
    const which = selection(given);
    // A ledger that is named is read whatever becomes of the configuration, which may lack its keys here.
    const isConfigNeeded =
      given.ledger === undefined || given.config !== undefined || given.flush === true;
    const config = isConfigNeeded ? configuration(given.config) : undefined;
    const path = resolve(process.cwd(), given.ledger ?? config?.tracing.ledger.path ?? "");
    if (config !== undefined && given.flush === true) {
      openReader(path).close(); // where there is no ledger, none is made
      const problem = await flushLedger(config, path, version);
      if (problem !== undefined) fail(problem, exitFailed);
    }
    const reader = openReader(path);
    try {
      print(answer(reader, { ...given, which }, path));
    } finally {
      reader.close();
    }
  },
});

export const status: CommandDef = command as unknown as CommandDef;

interface Asked {
  readonly json?: boolean | undefined;
  readonly which: Selection | undefined;
  readonly rejected?: boolean | undefined;
  readonly "retry-rejected"?: string | undefined;
}

type Selection = { readonly trace: string } | { readonly last: number };

function openReader(path: string): LedgerReader {
  const reading = openLedgerReader(path);
  return reading.ok ? reading.reader : fail(reading.error, exitFailed);
}

function answer(reader: LedgerReader, asked: Asked, path: string): string {
  const retry = asked["retry-rejected"];
  if (retry !== undefined) {
    if (requestRetry(path, retry)) return `${retry}: its refused calls will be sent again`;
    return fail(`${retry}: no destination of that name has refused calls`, exitFailed);
  }
  if (asked.rejected === true) {
    const rejected = reader.rejected();
    return asked.json === true ? toJson(rejected) : rejectedText(rejected);
  }
  if (asked.which !== undefined) {
    const calls = reader.calls(asked.which);
    if (asked.json === true) return toJson(calls);
    return calls.length === 0 ? fail("no such call in the ledger", exitFailed) : callsText(calls);
  }
  const account = reader.account();
  return asked.json === true ? toJson({ ledger: path, ...account }) : accountText(account, path);
}

function selection({
  trace,
  last,
}: {
  readonly trace?: string | undefined;
  readonly last?: string | undefined;
}): Selection | undefined {
  if (trace !== undefined) {
    if (!/^[0-9a-f]{32}$/i.test(trace)) fail("--trace: a trace id has 32 hex digits", exitUsage);
    return { trace: trace.toLowerCase() };
  }
  if (last === undefined) return undefined;
  const count = Number(last);
  if (!Number.isInteger(count) || count < 1 || count > lastMax) {
    fail(`--last: ${JSON.stringify(last)} is no whole number from 1 to ${lastMax}`, exitUsage);
  }
  return { last: count };
}

function configuration(path: string | undefined): Config {
  const loaded = loadConfig({
    path,
    environment: readEnvironment(),
    workingDirectory: process.cwd(),
    cores: availableParallelism(),
  });
  if (loaded.ok) return loaded.config;
  return fail(problemsText(loaded.source, loaded.problems), exitUsage);
}

function toJson(value: unknown): string {
  // 64-bit attribute values come as bigints, which JSON does not know.
  return JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item),
    2,
  );
}

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}
