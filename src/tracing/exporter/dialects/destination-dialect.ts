// Settles what a destination gets and how: its dialect, and what that asks of headers and protocol. Pure.

import type { DestinationConfig } from "../../../config/schema.ts";
import { callTranslation } from "./call-translation.ts";
import type { CallTranslation } from "./dialect.ts";
import { dialectNamed } from "./dialect-table.ts";
import { knownBackend } from "./known-backends.ts";

export interface SettledDestination {
  /** As configured, with the dialect's headers and protocol. */
  readonly config: DestinationConfig;
  readonly translate: CallTranslation;
  /** For the log at start: what was settled without being asked. */
  readonly notices: readonly string[];
}

export function settleDestination(config: DestinationConfig): SettledDestination {
  const notices: string[] = [];
  const known = config.dialect === "auto" ? knownBackend(config) : undefined;
  if (known !== undefined) {
    notices.push(
      `destination ${config.name} is ${known.name} by ${known.sign}: dialect ${known.dialect}`,
    );
  }
  const dialect = dialectNamed(known?.dialect ?? config.dialect);
  const toProtobuf = dialect.protobufOnly && config.protocol !== "http/protobuf";
  if (toProtobuf) {
    notices.push(`destination ${config.name} takes no JSON: it is sent http/protobuf`);
  }
  return {
    config: {
      ...config,
      dialect: known?.dialect ?? config.dialect,
      protocol: toProtobuf ? "http/protobuf" : config.protocol,
      headers: { ...dialect.headers, ...config.headers },
    },
    translate: callTranslation(dialect, config),
    notices,
  };
}
