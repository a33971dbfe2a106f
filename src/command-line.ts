// Reads the command line and runs a command. Main thread. Exit codes: 0 done, 1 failed, 2 usage or
// configuration. citty parses and prints usage; that a word or an option is unknown is said here, because
// citty lets unknown options pass.

import { defineCommand, renderUsage, runCommand } from "citty";
import type { ArgsDef, CommandDef } from "citty";

import { print } from "./commands/print.ts";
import { nearestName } from "./config/nearest-name.ts";
import { version } from "./version.ts";

type Commands = Readonly<Record<string, () => Promise<CommandDef>>>;

const exitFailed = 1;
const exitUsage = 2;

export async function runCommandLine(words: readonly string[], commands: Commands): Promise<void> {
  const [first, ...rest] = words;
  if (first === "--version" || first === "-v") {
    print(version);
    return;
  }
  if (first === "help" && rest.length > 0) return runCommandLine([...rest, "--help"], commands);
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    await printUsage(await overview(commands));
    if (first === undefined) process.exitCode = exitUsage;
    return;
  }
  const load = Object.hasOwn(commands, first) ? commands[first] : undefined;
  if (load === undefined) {
    return refuse(`unknown command ${quote(first)}${suggestion(first, Object.keys(commands))}`);
  }
  await runOne(first, await load(), rest);
}

async function runOne(name: string, command: CommandDef, words: string[]): Promise<void> {
  if (words.includes("--help") || words.includes("-h")) {
    await printUsage(command, { meta: { name: "everyspan" } });
    return;
  }
  const args = ((await command.args) ?? {}) as ArgsDef;
  const problem = findProblem(words, args);
  if (problem !== undefined) return refuse(`${problem}; see everyspan ${name} --help`);
  try {
    await runCommand(command, { rawArgs: words });
  } catch (error) {
    const isUsage = error instanceof Error && error.name === "CLIError";
    if (isUsage) return refuse(`${error.message}; see everyspan ${name} --help`);
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(exitFailed);
  }
}

/** An option that is not known, lacks its value or has one too many, or a word too many. */
function findProblem(words: readonly string[], args: ArgsDef): string | undefined {
  const positionals = Object.values(args).filter(({ type }) => type === "positional").length;
  const names = Object.keys(args).filter((name) => args[name]?.type !== "positional");
  let found = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-") || word === "-") {
      if (++found > positionals) return `unexpected ${quote(word)}`;
      continue;
    }
    const [, dashes = "", option = "", value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    // citty passes over `-dry-run` without a word: what was not to be sent would be.
    if (dashes === "-" || !names.includes(option)) {
      return `unknown option ${dashes}${option}${suggestion(option, names, "--")}`;
    }
    if (args[option]?.type === "boolean") {
      if (value !== undefined) return `--${option} takes no value`;
      continue;
    }
    if (value === undefined) at++;
    const given = value ?? words[at] ?? "";
    const isOption = value === undefined && names.some((name) => given === `--${name}`);
    if (given === "" || isOption) return `--${option} needs a value`;
  }
  return undefined;
}

function suggestion(word: string, names: readonly string[], prefix = ""): string {
  const near = nearestName(word, names);
  if (near !== undefined) return `, did you mean ${prefix}${near}?`;
  const known = names.map((name) => prefix + name).join(", ");
  return known === "" ? "" : `; known are ${known}`;
}

function refuse(message: string): void {
  console.error(`everyspan: ${message}`);
  process.exitCode = exitUsage;
}

async function overview(commands: Commands): Promise<CommandDef> {
  const subCommands: Record<string, CommandDef> = {};
  for (const [name, load] of Object.entries(commands)) subCommands[name] = await load();
  return defineCommand({
    meta: { name: "everyspan", version, description: "An LLM gateway that never loses a span" },
    subCommands,
  });
}

async function printUsage(command: CommandDef, parent?: CommandDef): Promise<void> {
  const usage = await renderUsage(command, parent);
  // oxlint-disable-next-line no-control-regex -- colour codes are for terminals
  print(process.stdout.isTTY ? usage : usage.replace(/\x1b\[[0-9;]*m/g, ""));
}

function quote(word: string): string {
  return JSON.stringify(word.slice(0, 100));
}
