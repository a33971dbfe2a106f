// `everyspan check`: says what a configuration comes to, or all that is wrong with it.
// Main thread. Starts nothing but the user's guardrail modules; never prints a key.

import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { defineCommand } from "citty";
import type { CommandDef } from "citty";
import { describeConfig } from "../config/describe-config.ts";
import { formatDuration } from "../config/durations.ts";
import { readEnvironment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedConfig, LoadOptions } from "../config/load.ts";
import { formatPath } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { print } from "./print.ts";

/** Exit codes of the command line: usage or configuration is 2. */
const exitConfiguration = 2;

export interface CheckOutcome {
  readonly exitCode: 0 | typeof exitConfiguration;
  readonly stdout: string;
  readonly stderr: string;
}

/** Loads the configuration and, of what it names, the guardrail modules. */
export async function checkConfig(options: LoadOptions): Promise<CheckOutcome> {
  const loaded = loadConfig(options);
  const problems = await findProblems(loaded);
  if (loaded.ok && problems.length === 0) return success(loaded);
  const stderr = `${problemsText(loaded.source, problems)}\n`;
  return { exitCode: exitConfiguration, stdout: "", stderr };
}

/** Of a configuration that was read, and of the guardrail modules that it names. */
export async function findProblems(
  loaded: LoadedConfig,
  loadWithinMs = 30_000,
): Promise<readonly string[]> {
  return loaded.ok ? findModuleProblems(loaded.config, loadWithinMs) : loaded.problems;
}

/** All that is wrong with a configuration, beneath where it came from. */
export function problemsText(source: string, problems: readonly string[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [`Configuration (${source}): ${count}`, ...problems].join("\n  ");
}

/** A module guardrail that does not load, or has no `check`, is a configuration error. */
async function findModuleProblems(config: Config, loadWithinMs: number): Promise<string[]> {
  const problems: string[] = [];
  for (const [index, guardrail] of config.guardrails.entries()) {
    if (guardrail.type !== "module") continue;
    const path = formatPath(["guardrails", index, "path"]);
    try {
      const loaded = await loadModule(guardrail.path, loadWithinMs);
      if (!hasCheck(loaded)) {
        problems.push(`${path}: has no check; it needs export default { async check(…) {…} }`);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(`${path}: does not load (${reason.split("\n")[0] ?? ""})`);
    }
  }
  return problems;
}

/** A module that waits for something at its top may wait for ever. */
async function loadModule(path: string, withinMs: number): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`not done after ${formatDuration(withinMs)}`)),
    withinMs,
  );
  try {
    return await Promise.race([import(pathToFileURL(path).href) as Promise<unknown>, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function hasCheck(loaded: unknown): boolean {
  const exported = isObject(loaded) ? loaded["default"] : undefined;
  return isObject(exported) && typeof exported["check"] === "function";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function success({ config, warnings, source }: LoadedConfig & { ok: true }): CheckOutcome {
  const stdout = `Configuration (${source}): good\n\n${describeConfig(config).trimEnd()}`;
  const stderr = warnings.map((warning) => `warning: ${warning}\n`).join("");
  return { exitCode: 0, stdout, stderr };
}

const args = {
  config: {
    type: "string",
    description: "Configuration file (else EVERYSPAN_CONFIG, else ./everyspan.yaml, else none)",
    valueHint: "FILE",
  },
} as const;

const command = defineCommand({
  meta: { name: "check", description: "Print the resolved configuration, or every problem in it" },
  args,
  async run({ args: given }) {
    const outcome = await checkConfig({
      path: given.config,
      environment: readEnvironment(),
      workingDirectory: process.cwd(),
      cores: availableParallelism(),
    });
    if (outcome.stdout !== "") print(outcome.stdout);
    if (outcome.stderr !== "") console.warn(outcome.stderr.trimEnd());
    process.exit(outcome.exitCode); // a module may have begun something that does not end
  },
});

export const check: CommandDef = command as unknown as CommandDef;
