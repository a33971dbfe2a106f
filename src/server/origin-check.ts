// Whether a request was sent by a web page of somewhere else. Without keys nothing but this stands between
// such a page and a gateway on its reader's machine, and the provider keys behind it. Pure.

import type { ServerConfig } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";

/**
 * Whether a page that is not of this machine sent it, as its browser says:
 *
 * - `Sec-Fetch-Site: cross-site` (Fetch Metadata), sent wherever the gateway's address counts as trustworthy;
 * - an `Origin` that is neither on the loopback nor the configured host; `null` (a sandboxed frame) is foreign;
 * - on a loopback address, a `Host` with a public name: that name was made to point here (DNS rebinding),
 *   and to its page the request is of the same origin.
 */
export function isForeignPage(headers: Headers, server: ServerConfig): boolean {
  if (/cross-site/i.test(headers.get("sec-fetch-site") ?? "")) return true;
  const origin = headers.get("origin");
  if (origin !== null && !isOwnName(URL.parse(origin)?.hostname ?? "", server)) return true;
  if (server.unix !== undefined || !isLoopback(server.host)) return false;
  const host = headers.get("host");
  return host !== null && host !== server.host && isPublicName(hostName(host));
}

/** @throws GatewayError `forbidden` for a page of elsewhere, where no key keeps it out */
export function assertOwnPage(headers: Headers, server: ServerConfig): void {
  if (server.keys.length > 0 || !isForeignPage(headers, server)) return;
  throw new GatewayError("forbidden", "web pages of other origins are not served without keys");
}

function isOwnName(name: string, { host }: ServerConfig): boolean {
  return isLoopback(name) || (name !== "" && name === host);
}

/** Whether a name stands for this machine alone (RFC 6761 for `localhost`). */
export function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (bare === "localhost" || bare.endsWith(".localhost") || bare === "::1") return true;
  return /^127(?:\.\d{1,3}){3}$/.test(bare);
}

/** A name anyone could register: addresses, names without a dot and `.internal` cannot be. */
function isPublicName(name: string): boolean {
  if (!name.includes(".") || /^[\d.]+$/.test(name)) return false;
  return !isLoopback(name) && !name.endsWith(".internal");
}

/** A `Host` header without its port; empty for an IPv6 address. */
function hostName(host: string): string {
  if (host.startsWith("[")) return "";
  return (host.split(":", 1)[0] ?? "").replace(/\.$/, "").toLowerCase();
}
