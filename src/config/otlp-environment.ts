// `OTEL_TRACES_EXPORTER` and `OTEL_EXPORTER_OTLP_*`, as one destination named `otlp`, for when
// the file names none. Pure; runs anywhere. Rules as in otel-environment.ts; the variable with
// `_TRACES_` wins over the general one. No value of a header is ever in a warning.

import { resolve } from "node:path";
import { timerMaxMs } from "./durations.ts";
import { variable } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { parsePairs } from "./otel-environment.ts";
import { defaults } from "./schema.ts";
import { isHeaderName, readHeaderValue, readHttpUrl } from "./text-schemas.ts";
import type { FileExists } from "./warnings.ts";

export interface OtlpFragment {
  /** As they could stand under `tracing.destinations` in the file: one, or none. */
  readonly destinations: readonly Readonly<Record<string, unknown>>[];
  readonly warnings: readonly string[];
}

interface Surroundings {
  readonly workingDirectory: string;
  readonly fileExists: FileExists;
}

type Read = (option: string) => { readonly name: string; readonly value: string } | undefined;

export function otlpFragment(environment: Environment, around: Surroundings): OtlpFragment {
  const warnings: string[] = [];
  const warn = (name: string, allowed: string): void => {
    warnings.push(`${name} ${allowed}; it is ignored`);
  };
  const exporters = readExporters(environment, warn);
  const endpoint = exporters.otlp ? readEndpoint(environment, warn) : undefined;
  if (endpoint === undefined) {
    if (exporters.otlp && exporters.named && warnings.length === 0) {
      warnings.push("OTEL_TRACES_EXPORTER is otlp, but OTEL_EXPORTER_OTLP_ENDPOINT is not set");
    }
    return { destinations: [], warnings };
  }
  const read: Read = (option) => {
    for (const name of [`OTEL_EXPORTER_OTLP_TRACES_${option}`, `OTEL_EXPORTER_OTLP_${option}`]) {
      const value = variable(environment, name)?.trim();
      if (value !== undefined) return { name, value };
    }
    return undefined;
  };
  const destination = {
    name: "otlp",
    endpoint,
    headers: readHeaders(environment, warn),
    protocol: readProtocol(read, warnings),
    compression: readChoice(read("COMPRESSION"), ["gzip", "none"], warn),
    timeout: readTimeout(read("TIMEOUT"), warn) ?? defaults.otlp.timeout,
    ...readCertificates(read, around, warn),
  };
  const given = Object.entries(destination).filter(([, value]) => value !== undefined);
  return { destinations: [Object.fromEntries(given)], warnings };
}

type WarnOf = (name: string, allowed: string) => void;

function readExporters(environment: Environment, warn: WarnOf): { otlp: boolean; named: boolean } {
  const name = "OTEL_TRACES_EXPORTER";
  const written = variable(environment, name)?.toLowerCase().split(",") ?? [];
  const exporters = written
    .map((exporter) => exporter.trim())
    .filter((exporter) => exporter !== "");
  if (exporters.some((exporter) => exporter !== "otlp" && exporter !== "none")) {
    warn(name, "knows otlp and none here, and holds something else");
  }
  const named = exporters.includes("otlp");
  return { otlp: named || !exporters.includes("none"), named };
}

/** The specific address as it is; the general one with `v1/traces` after it. */
function readEndpoint(environment: Environment, warn: WarnOf): string | undefined {
  for (const specific of [true, false]) {
    const name = `OTEL_EXPORTER_OTLP_${specific ? "TRACES_" : ""}ENDPOINT`;
    const written = variable(environment, name);
    if (written === undefined) continue;
    const reading = readHttpUrl(written);
    if (!("value" in reading)) {
      warn(name, reading.allowed);
      continue;
    }
    if (specific) return reading.value;
    const url = new URL(reading.value);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/traces`;
    return url.href;
  }
  return undefined;
}

/** The general headers, with the specific ones over them. */
function readHeaders(environment: Environment, warn: WarnOf): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]) {
    for (const pair of parsePairs(variable(environment, name) ?? "")) {
      const reading = pair && isHeaderName(pair[0]) ? readHeaderValue(pair[1]) : undefined;
      if (pair && reading && "value" in reading) headers[pair[0].toLowerCase()] = reading.value;
      else warn(name, "must be name=value,name=value, percent-encoded, and a part of it is not");
    }
  }
  return headers;
}

function readProtocol(read: Read, warnings: string[]): string | undefined {
  const found = read("PROTOCOL");
  if (found?.value.toLowerCase() === "grpc") {
    warnings.push(`${found.name} is grpc, which everyspan does not speak; it sends http/protobuf`);
    return undefined;
  }
  return readChoice(found, ["http/protobuf", "http/json"], (name, allowed) => {
    warnings.push(`${name} ${allowed}; it is ignored`);
  });
}

function readChoice(
  found: ReturnType<Read>,
  choices: readonly string[],
  warn: WarnOf,
): string | undefined {
  if (found === undefined) return undefined;
  const choice = choices.find((known) => known === found.value.toLowerCase());
  if (choice === undefined) warn(found.name, `must be ${choices.join(" or ")}`);
  return choice;
}

function readTimeout(found: ReturnType<Read>, warn: WarnOf): string | undefined {
  if (found === undefined) return undefined;
  const timeoutMs = Number(found.value);
  // The specification: 0 is no limit. A timer needs one, so it is the longest there is.
  if (timeoutMs === 0) return `${timerMaxMs}ms`;
  if (/^\d+$/.test(found.value) && timeoutMs <= timerMaxMs) return `${timeoutMs}ms`;
  warn(found.name, "must be a number of milliseconds");
  return undefined;
}

function readCertificates(
  read: Read,
  { workingDirectory, fileExists }: Surroundings,
  warn: WarnOf,
): Record<string, string | undefined> {
  const readPath = (option: string): string | undefined => {
    const found = read(option);
    if (found === undefined) return undefined;
    const path = resolve(workingDirectory, found.value);
    if (fileExists(path, "pem")) return path;
    warn(found.name, "names no readable PEM file");
    return undefined;
  };
  const ca = readPath("CERTIFICATE");
  const certificate = readPath("CLIENT_CERTIFICATE");
  const key = readPath("CLIENT_KEY");
  if ((certificate === undefined) === (key === undefined)) {
    return { ca_file: ca, cert_file: certificate, key_file: key };
  }
  const present = key === undefined ? "CLIENT_CERTIFICATE" : "CLIENT_KEY";
  warn(`OTEL_EXPORTER_OTLP_${present}`, "needs its other half, certificate and key");
  return { ca_file: ca };
}
