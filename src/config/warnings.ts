// What is allowed but probably not meant, and files that are named but not there.
// Pure; runs anywhere. Keys are never repeated.

import { formatPath } from "./problems.ts";
import type { PathKey, Problem } from "./problems.ts";
import type { Config } from "./schema.ts";

/** Whether a file can be read; `pem`: and holds what a certificate or a key is written in. */
export type FileExists = (path: string, kind: "any" | "pem") => boolean;

type NamedFile = readonly [readonly PathKey[], string | undefined];

/** Files the configuration names that cannot be read; `fileExists` is told absolute paths. */
export function findFileProblems(config: Config, fileExists: FileExists): Problem[] {
  const modules = config.guardrails.map((guardrail, index): NamedFile => [
    ["guardrails", index, "path"],
    guardrail.type === "module" ? guardrail.path : undefined,
  ]);
  const certificates = config.tracing.destinations.flatMap((destination, index): NamedFile[] => {
    const at = (key: string) => ["tracing", "destinations", index, key];
    return [
      [at("ca_file"), destination.caFile],
      [at("cert_file"), destination.certFile],
      [at("key_file"), destination.keyFile],
    ];
  });
  const problemsOf = (files: readonly NamedFile[], kind: "any" | "pem"): Problem[] =>
    files.flatMap(([keys, path]) => {
      if (path === undefined || fileExists(path, kind)) return [];
      const what = kind === "pem" ? "PEM file" : "file";
      return [{ path: formatPath(keys), message: `there is no readable ${what} at ${path}` }];
    });
  return [...problemsOf(modules, "any"), ...problemsOf(certificates, "pem")];
}

/** One line each, for a configuration that is valid. */
export function findWarnings(config: Config): string[] {
  return [...warnOfKeys(config), ...warnOfEndpoints(config), ...warnOfGuardrails(config)];
}

function warnOfKeys(config: Config): string[] {
  if (config.server.keys.length === 0) return [];
  return config.providers
    .filter(
      (provider) => provider.apiKey === undefined && Object.keys(provider.headers).length === 0,
    )
    .map(
      (provider) =>
        `${formatPath(["providers", provider.name])} has no api_key, and callers' everyspan keys ` +
        "(server.keys) are not forwarded to it",
    );
}

function warnOfEndpoints(config: Config): string[] {
  return config.tracing.destinations
    .filter((destination) => new URL(destination.endpoint).pathname === "/")
    .map(
      (destination) =>
        `the endpoint of destination ${destination.name} has no path and is used as it is; ` +
        "most take traces at /v1/traces",
    );
}

function warnOfGuardrails(config: Config): string[] {
  return config.guardrails
    .filter(
      (guardrail) => guardrail.stream.mode === "whole" && !guardrail.modes.includes("post_call"),
    )
    .map(
      (guardrail) => `guardrail ${guardrail.name} has stream: whole but no post_call in its modes`,
    );
}
