// Finds an object key that occurs twice. Pure, runs on any thread, on every body that a guardrail looks
// at: parsers differ in which of two equal keys they take, so a text checked under one of them could
// reach the model under the other. One pass, no tree; strings that are not keys are never read.

import { GatewayError } from "../errors/gateway-error.ts";
import { skipString } from "./json-scan.ts";

/** No request is nested this deeply, but for one that looks for a parser that recurses. */
const depthMax = 1024;

/**
 * The first key that repeats an earlier one of the same object, at any depth, unescaped (`"\u0061"` is
 * `a`); undefined when all keys are unique. The text must be one that JSON.parse accepts.
 *
 * @throws GatewayError `invalid_request` when it is nested beyond all reason
 */
export function findDuplicateKey(text: string): string | undefined {
  const { length } = text;
  const scopes: (KeyScope | undefined)[] = [];
  let scope: KeyScope | undefined;
  let depth = 0;
  let isKeyNext = false;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      const end = skipString(text, at);
      if (isKeyNext && scope !== undefined) {
        isKeyNext = false;
        const key = readKey(text, at, end);
        if (!addKey(scope, key)) return key;
      }
      at = end;
      continue;
    }
    at += 1;
    if (code === 44) isKeyNext = scope !== undefined;
    else if (code === 123) {
      if (depth === depthMax) throw tooDeep();
      scopes[depth++] = scope;
      scope = { keys: [], index: undefined };
      isKeyNext = true;
    } else if (code === 91) {
      if (depth === depthMax) throw tooDeep();
      scopes[depth++] = scope;
      scope = undefined;
      isKeyNext = false;
    } else if (code === 125 || code === 93) {
      scope = scopes[--depth];
      isKeyNext = false;
    }
  }
  return undefined;
}

function tooDeep(): GatewayError {
  return new GatewayError("invalid_request", "The body is nested too deeply.");
}

/** The keys of one open object; `index` takes over once there are many. */
interface KeyScope {
  readonly keys: string[];
  index: Set<string> | undefined;
}

/** Above this many keys a set is faster than comparing them one by one. */
const scannedKeysMax = 12;

function addKey(scope: KeyScope, key: string): boolean {
  if (scope.index !== undefined) {
    if (scope.index.has(key)) return false;
    scope.index.add(key);
    return true;
  }
  const { keys } = scope;
  for (let at = 0; at < keys.length; at += 1) if (keys[at] === key) return false;
  keys.push(key);
  if (keys.length > scannedKeysMax) scope.index = new Set(keys);
  return true;
}

function readKey(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes("\\") ? (JSON.parse(text.slice(start, end)) as string) : raw;
}
