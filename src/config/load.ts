// Finds and reads the configuration file. Main thread, at start; the only file access of
// src/config. Nothing of the file's content is ever in a problem beside names and paths.

import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { variable } from "./environment.ts";
import type { Environment } from "./environment.ts";
import type { Overrides } from "./overrides.ts";
import { resolveConfig } from "./resolve-config.ts";
import type { Config } from "./schema.ts";
import { parseYamlDocument } from "./yaml-document.ts";

const fileBytesMax = 1_048_576;
const defaultFile = "everyspan.yaml";

export interface LoadOptions {
  /** From `--config`; relative to the working directory. */
  readonly path?: string | undefined;
  readonly environment: Environment;
  readonly overrides?: Overrides;
  readonly workingDirectory: string;
  /** The ledger's file unless the configuration names one, absolute. */
  readonly usualLedger?: string;
  /** What `pool.threads: auto` stands for. */
  readonly cores: number;
}

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly string[];
      /** For a person: the file's path, or that there is none. */
      readonly source: string;
    }
  | { readonly ok: false; readonly problems: readonly string[]; readonly source: string };

/**
 * The file is `path`, else EVERYSPAN_CONFIG, else ./everyspan.yaml if there is one, else none.
 * Fails with all problems at once, one line each, without a secret in any of them.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { environment, workingDirectory, cores } = options;
  const path = findFile(options);
  const source = path ?? "no file: defaults and environment";
  const read = path === undefined ? { ok: true as const, document: {} } : readDocument(path);
  if (!read.ok) return { ok: false, problems: [read.problem], source };
  const resolved = resolveConfig({
    document: read.document,
    directories: {
      file: path === undefined ? workingDirectory : dirname(path),
      working: workingDirectory,
      usualLedger: options.usualLedger,
    },
    environment,
    overrides: options.overrides ?? {},
    cores,
    fileExists: isReadableFile,
  });
  return { ...resolved, source };
}

function findFile({ path, environment, workingDirectory }: LoadOptions): string | undefined {
  const named = path ?? variable(environment, "EVERYSPAN_CONFIG")?.trim();
  if (named !== undefined) return resolve(workingDirectory, named);
  const usual = join(workingDirectory, defaultFile);
  return isThere(usual) ? usual : undefined;
}

type Document =
  | { readonly ok: true; readonly document: unknown }
  | { readonly ok: false; readonly problem: string };

function readDocument(path: string): Document {
  let text: string;
  try {
    const sizeBytes = statSync(path).size;
    if (sizeBytes > fileBytesMax) {
      return { ok: false, problem: `${path} is larger than ${fileBytesMax} bytes` };
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    return { ok: false, problem: unreadable(path, error) };
  }
  const parsed = parseYamlDocument(text);
  return parsed.ok ? parsed : { ok: false, problem: `the file ${parsed.problem}` };
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isReadableFile(path: string, kind: "any" | "pem"): boolean {
  try {
    accessSync(path, constants.R_OK);
    if (!statSync(path).isFile()) return false;
    return kind === "any" || readFileSync(path, "latin1").includes("-----BEGIN ");
  } catch {
    return false;
  }
}

function unreadable(path: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
  if (code === "ENOENT") return `there is no file ${path}`;
  if (code === "EISDIR") return `${path} is a folder, no file`;
  return `${path} cannot be read (${code})`;
}
