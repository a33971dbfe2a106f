// The OpenTelemetry conventions alone: stored bytes as they are. Jaeger, Tempo, Honeycomb, Datadog and
// Grafana Cloud need nothing more. Pure.

import type { Dialect } from "./dialect.ts";

export const genaiDialect: Dialect = {
  root: {},
  chat: {},
  guardrail: {},
  attempt: {},
  step: {},
  headers: {},
  protobufOnly: false,
  unsetsRecoveredAttempts: false,
};
