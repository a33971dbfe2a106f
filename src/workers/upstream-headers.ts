// The headers of a request to a provider and of its reply on the way back. Pure.

import { hopByHop } from "../apischema/hop-by-hop.ts";
import type { ProviderConfig } from "../config/schema.ts";

/** What fetch decodes. */
const decodedEncodings = /^\s*(?:gzip|x-gzip|deflate|br|zstd|identity)\s*$/i;

/** By name, in lower case: Headers has each name once. */
export type HeaderRecord = Readonly<Record<string, string>>;

/** What is between the provider and us. */
const notForwarded: ReadonlySet<string> = new Set([
  ...hopByHop,
  // These speak of the provider's own host and would mislead a client about ours.
  "alt-svc",
  "strict-transport-security",
  "set-cookie",
]);

/**
 * The caller's headers that go on, with the provider's key where the caller's was, and the span context
 * of this attempt. Nothing of the caller's own trace context is left, and nothing of its key when the provider has one.
 */
export function upstreamHeaders(options: {
  readonly caller: HeaderRecord;
  readonly keyHeader: "authorization" | "x-api-key" | "";
  readonly provider: ProviderConfig;
  readonly traceparent: string;
  readonly tracestate: string;
}): Record<string, string> {
  const headers: Record<string, string> = { ...options.caller };
  // Asked for plainly: a compressed reply would have to be decoded to be traced.
  headers["accept-encoding"] = "identity";
  const { apiKey, api } = options.provider;
  if (apiKey !== undefined && apiKey !== "") {
    delete headers["authorization"];
    delete headers["x-api-key"];
    const asApiKey = api === "anthropic" && options.keyHeader !== "authorization";
    if (asApiKey) headers["x-api-key"] = apiKey;
    else headers["authorization"] = `Bearer ${apiKey}`;
  }
  Object.assign(headers, options.provider.headers);
  headers["traceparent"] = options.traceparent;
  if (options.tracestate !== "") headers["tracestate"] = options.tracestate;
  return headers;
}

/** A provider's reply headers as they go to the client. */
export function replyHeaders(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  const all = headers.toJSON();
  const named = all["connection"]?.toLowerCase().split(/\s*,\s*/) ?? [];
  for (const name in all) {
    const value = all[name];
    if (typeof value !== "string" || notForwarded.has(name) || named.includes(name)) continue;
    // What fetch has decoded is not encoded any more; what it does not know still is.
    if (name === "content-encoding" && decodedEncodings.test(value)) continue;
    kept[name] = value;
  }
  return kept;
}
