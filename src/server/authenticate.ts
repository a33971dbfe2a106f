// Who is calling. Keys are compared as digests in constant time; a key never leaves this file.

import { timingSafeEqual } from "node:crypto";

import type { ServerConfig } from "../config/schema.ts";

export type KeyHeader = "authorization" | "x-api-key" | "";

export type AuthResult =
  /** `keyName` is empty when no keys are configured. */
  | { readonly ok: true; readonly keyName: string }
  | { readonly ok: false; readonly reason: "missing_key" | "unknown_key" };

export interface Authenticator {
  readonly check: (headers: Headers) => AuthResult;
}

export function createAuthenticator(keys: ServerConfig["keys"]): Authenticator {
  const known = keys.map(({ name, key }) => ({ name, digest: digestOf(key) }));
  return {
    check(headers) {
      if (known.length === 0) return { ok: true, keyName: "" };
      const sent = callerKeys(headers);
      if (sent.length === 0) return { ok: false, reason: "missing_key" };
      let keyName: string | undefined;
      // Every key is compared, so that time tells nothing about which one was near.
      for (const digest of sent.map(digestOf)) {
        for (const candidate of known) {
          if (timingSafeEqual(candidate.digest, digest)) keyName = candidate.name;
        }
      }
      return keyName === undefined ? { ok: false, reason: "unknown_key" } : { ok: true, keyName };
    },
  };
}

/** Which header the caller put its key in: both are taken on both routes. */
export function keyHeaderOf(headers: Headers): KeyHeader {
  if (headers.has("x-api-key")) return "x-api-key";
  return headers.has("authorization") ? "authorization" : "";
}

/** A client may send both headers, one of them a left-over of its environment: either may be the key. */
function callerKeys(headers: Headers): string[] {
  const apiKey = headers.get("x-api-key")?.trim() ?? "";
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.get("authorization") ?? "")?.[1] ?? "";
  return [apiKey, bearer].filter((key) => key !== "");
}

function digestOf(key: string): Uint8Array {
  return Bun.SHA256.hash(key) as Uint8Array;
}
