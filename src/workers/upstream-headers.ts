// The headers of a request to a provider and of its reply on the way back. Pure.

import type { ProviderConfig } from "../config/schema.ts";

export type HeaderPairs = readonly (readonly [string, string])[];

/** RFC 9110 §7.6.1, and what describes a body that we have decoded or re-framed. */
const notForwarded: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "content-encoding",
  // These speak of the provider's own host and would mislead a client about ours.
  "alt-svc",
  "strict-transport-security",
  "set-cookie",
]);

/**
 * The caller's headers that go on, with the provider's key where the caller's was, and the span context
 * of this attempt. Nothing of the caller's own trace context or key is left when the provider has a key.
 */
export function upstreamHeaders(options: {
  readonly caller: HeaderPairs;
  readonly keyHeader: "authorization" | "x-api-key" | "";
  readonly provider: ProviderConfig;
  readonly traceparent: string;
  readonly tracestate: string;
}): Headers {
  const headers = new Headers();
  for (const [name, value] of options.caller) headers.append(name, value);
  // Asked for plainly: a compressed reply would have to be decoded to be traced.
  headers.set("accept-encoding", "identity");
  const { apiKey, api } = options.provider;
  if (apiKey !== undefined && apiKey !== "") {
    headers.delete("authorization");
    headers.delete("x-api-key");
    const asApiKey = api === "anthropic" && options.keyHeader !== "authorization";
    if (asApiKey) headers.set("x-api-key", apiKey);
    else headers.set("authorization", `Bearer ${apiKey}`);
  }
  for (const [name, value] of Object.entries(options.provider.headers)) headers.set(name, value);
  headers.set("traceparent", options.traceparent);
  if (options.tracestate !== "") headers.set("tracestate", options.tracestate);
  return headers;
}

/** A provider's reply headers as they go to the client. */
export function replyHeaders(headers: Headers): [string, string][] {
  const kept: [string, string][] = [];
  const named = new Set(
    (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase()),
  );
  for (const [name, value] of headers) {
    if (!notForwarded.has(name) && !named.has(name)) kept.push([name, value]);
  }
  return kept;
}
