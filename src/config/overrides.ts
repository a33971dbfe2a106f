// `--host`, `--port` and `--unix` of the command line, laid over the file. Pure; runs anywhere.

import { resolve } from "node:path";
import { isMapping } from "./closed-object.ts";
import type { Mapping } from "./closed-object.ts";
import type { Problem } from "./problems.ts";

export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  /** A relative path starts at the working directory. */
  readonly unix?: string | undefined;
}

export interface Overridden {
  readonly document: unknown;
  readonly problems: readonly Problem[];
  /** What to say instead of a path of the file, where the command line is to blame. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** An option replaces the file's way of listening as a whole: `--port` also its `unix`. */
export function applyOverrides(
  document: Mapping,
  overrides: Overrides,
  workingDirectory: string,
): Overridden {
  const { host, port, unix } = overrides;
  const address = Object.entries({ host, port }).filter(([, value]) => value !== undefined);
  const renamed = new Map(address.map(([key]) => [`server.${key}`, `--${key}`]));
  const section = document["server"] ?? {};
  if ((unix === undefined && address.length === 0) || !isMapping(section)) {
    return { document, problems: [], renamed };
  }
  if (unix === undefined) {
    const { unix: _, ...server } = section;
    const merged = { ...server, ...Object.fromEntries(address) };
    return { document: { ...document, server: merged }, problems: [], renamed };
  }
  const { host: _host, port: _port, ...server } = section;
  const path = unix.trim() === "" ? unix : resolve(workingDirectory, unix);
  const problems = address.map(([key]) => ({
    path: `--${key}`,
    message: "stands beside --unix; a server listens on one of them, leave one out",
  }));
  renamed.set("server.unix", "--unix");
  return { document: { ...document, server: { ...server, unix: path } }, problems, renamed };
}
