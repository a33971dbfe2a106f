// Which of the caller's headers go on to the provider. Pure.

import { hopByHop } from "../apischema/hop-by-hop.ts";
import type { Config } from "../config/schema.ts";

/** What is between the caller and us. */
const keptHere: ReadonlySet<string> = new Set([
  "host",
  ...hopByHop,
  "accept-encoding",
  "expect",
  // The span context and baggage are for us: the provider gets the attempt's own context, and no baggage.
  "traceparent",
  "tracestate",
  "baggage",
  "cookie",
  "origin",
  "referer",
  "forwarded",
  "x-real-ip",
]);

/**
 * Without `server.keys` the caller's own provider key goes on; with them the key it sent is everyspan's
 * and stays here.
 */
export function callerHeaders(headers: Headers, config: Config): Record<string, string> {
  const ownKeys = config.server.keys.length > 0;
  const all = headers.toJSON();
  const named = all["connection"]?.toLowerCase().split(/\s*,\s*/) ?? [];
  const kept: Record<string, string> = {};
  for (const name in all) {
    const value = all[name];
    if (typeof value !== "string" || keptHere.has(name) || named.includes(name)) continue;
    if (ownKeys && (name === "authorization" || name === "x-api-key")) continue;
    if (name.startsWith("x-everyspan-") || name.startsWith("x-forwarded-")) continue;
    if (name.startsWith("sec-fetch-")) continue;
    kept[name] = value;
  }
  return kept;
}
