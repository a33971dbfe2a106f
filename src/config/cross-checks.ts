// What no single value of the file can tell: rules between its parts. Pure; runs anywhere.
// Works on the written document, so that it speaks up beside any other problem.

import { isMapping } from "./closed-object.ts";
import { nearestName } from "./nearest-name.ts";
import { formatPath } from "./problems.ts";
import type { PathKey, Problem } from "./problems.ts";
import { isHost } from "./text-schemas.ts";

/** `document` is the file after substitution and overrides; any part of it may be amiss. */
export function crossCheck(document: unknown): Problem[] {
  return [
    ...checkAddress(document),
    ...checkModels(document),
    ...checkTwice(document, ["server", "keys"], "name"),
    ...checkTwice(document, ["server", "keys"], "key"),
    ...checkTwice(document, ["models"], "name"),
    ...checkTwice(document, ["guardrails"], "name"),
    ...checkTwice(document, ["tracing", "destinations"], "name"),
    ...checkTwice(document, ["pricing"], "model"),
    ...checkClientCertificates(document),
    ...checkHeaderNames(document),
  ];
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return (
    plain === "localhost" ||
    plain === "::1" ||
    /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain)
  );
}

function checkAddress(document: unknown): Problem[] {
  const server = get(document, ["server"]);
  const unix = get(server, ["unix"]);
  if (unix !== undefined) {
    return ["port", "host"]
      .filter((key) => get(server, [key]) !== undefined)
      .map((key) => ({
        path: `server.${key}`,
        message: "stands beside server.unix; a server listens on one of them, leave one out",
      }));
  }
  const host = get(server, ["host"]);
  if (typeof host !== "string" || !isHost(host) || isLoopback(host)) return [];
  if (get(server, ["keys"]) !== undefined) return [];
  const insecure = get(server, ["insecure"]);
  if (insecure === true || insecure === "true") return [];
  const message =
    "can be reached from other machines without a key; set server.keys, " +
    "listen on 127.0.0.1, or say server.insecure: true";
  return [{ path: "server.host", message }];
}

function checkModels(document: unknown): Problem[] {
  const written = get(document, ["providers"]);
  if (!isMapping(written)) return [];
  const known = Object.keys(written);
  return list(document, ["models"]).flatMap((model, index) => {
    const provider = get(model, ["provider"]);
    if (typeof provider !== "string" || known.includes(provider)) return [];
    const nearest = nearestName(provider, known);
    const hint = nearest === undefined ? `known: ${known.join(", ")}` : `did you mean ${nearest}?`;
    const path = formatPath(["models", index, "provider"]);
    return [{ path, message: `there is no provider of this name; ${hint}` }];
  });
}

/** The value is not repeated: it may be a key. */
function checkTwice(document: unknown, place: readonly string[], key: string): Problem[] {
  const first = new Map<string, number>();
  return list(document, place).flatMap((item, index) => {
    const value = get(item, [key]);
    if (typeof value !== "string") return [];
    const earlier = first.get(value.trim());
    if (earlier === undefined) {
      first.set(value.trim(), index);
      return [];
    }
    const message = `is the same as ${formatPath([...place, earlier, key])}; each must be different`;
    return [{ path: formatPath([...place, index, key]), message }];
  });
}

function checkClientCertificates(document: unknown): Problem[] {
  return list(document, ["tracing", "destinations"]).flatMap((destination, index) => {
    const certificate = get(destination, ["cert_file"]);
    const key = get(destination, ["key_file"]);
    if ((certificate === undefined) === (key === undefined)) return [];
    const [present, absent] =
      key === undefined ? ["cert_file", "key_file"] : ["key_file", "cert_file"];
    const path = formatPath(["tracing", "destinations", index, present ?? ""]);
    return [{ path, message: `needs ${absent} beside it` }];
  });
}

/** Two spellings of one header: which value would be sent is anybody's guess. */
function checkHeaderNames(document: unknown): Problem[] {
  const providers = get(document, ["providers"]);
  const places: PathKey[][] = [
    ...(isMapping(providers) ? Object.keys(providers).map((name) => ["providers", name]) : []),
    ...list(document, ["guardrails"]).map((_, index) => ["guardrails", index]),
    ...list(document, ["tracing", "destinations"]).map((_, at) => ["tracing", "destinations", at]),
  ];
  return places.flatMap((place) => {
    const headers = get(document, [...place, "headers"]);
    const seen = new Set<string>();
    return (isMapping(headers) ? Object.keys(headers) : []).flatMap((header) => {
      const lower = header.toLowerCase();
      if (!seen.has(lower)) {
        seen.add(lower);
        return [];
      }
      const path = formatPath([...place, "headers", header]);
      return [{ path, message: "stands there twice, for capitals do not count; leave one out" }];
    });
  });
}

function list(value: unknown, keys: readonly PathKey[]): readonly unknown[] {
  const found = get(value, keys);
  return Array.isArray(found) ? found : [];
}

function get(value: unknown, keys: readonly PathKey[]): unknown {
  let found = value;
  for (const key of keys) {
    if (Array.isArray(found) && typeof key === "number") found = found[key];
    else if (isMapping(found) && Object.hasOwn(found, key)) found = found[key];
    else return undefined;
  }
  return found;
}
