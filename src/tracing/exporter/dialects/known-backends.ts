// Which backend a destination's address and headers name, for `dialect: auto`. Pure.

import type { DestinationConfig } from "../../../config/schema.ts";

export interface KnownBackend {
  /** As people call it. */
  readonly name: string;
  readonly dialect: string;
  /** What gave it away. */
  readonly sign: string;
}

/** Undefined where nothing tells: a collector may pass its spans on to anything. */
export function knownBackend({
  endpoint,
  headers,
}: Pick<DestinationConfig, "endpoint" | "headers">): KnownBackend | undefined {
  const { hostname, pathname, port } = new URL(endpoint);
  const known = (name: string, dialect: string, sign: string) => ({ name, dialect, sign });
  if (isWithin(hostname, "langfuse.com") || pathname.startsWith("/api/public/otel")) {
    return known("Langfuse", "langfuse", "its address");
  }
  if (Object.keys(headers).some((header) => header.startsWith("x-mlflow-"))) {
    return known("MLflow", "mlflow", "its headers");
  }
  if (isWithin(hostname, "phoenix.arize.com")) return known("Phoenix", "phoenix", "its address");
  if ("x-project-name" in headers) return known("Phoenix", "phoenix", "its headers");
  if (port === "6006") return known("Phoenix", "phoenix", "its port");
  for (const [domain, name] of conventional) {
    if (isWithin(hostname, domain)) return known(name, "genai", "its address");
  }
  return undefined;
}

/** They read the conventions, and would keep everything else as mere ballast. */
const conventional = [
  ["honeycomb.io", "Honeycomb"],
  ["datadoghq.com", "Datadog"],
  ["datadoghq.eu", "Datadog"],
  ["ddog-gov.com", "Datadog"],
  ["grafana.net", "Grafana Cloud"],
] as const;

function isWithin(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`);
}
