// The one leaf that edits a JSON body. Pure, runs on any thread. It finds offsets and splices: a byte
// that no edit names must never change (key order, big integers, white space, escapes). It reads the
// keys on the way to an edit and skips everything else, so a long prompt costs a search, not a parse.

import { createScanner, type JSONScanner, type SyntaxKind } from "jsonc-parser";
import { GatewayError } from "../errors/gateway-error.ts";
import type { JsonEdit } from "./json-edit.ts";
import { buildEditTree, missingJson, setsAnything, type EditNode } from "./json-edit-tree.ts";
import { notJson, skipSpace, skipValue } from "./json-scan.ts";

/**
 * Applies `edits` to JSON text that JSON.parse has accepted.
 *
 * - A missing property is added at the end of its object, missing objects above it are made, `null` on
 *   the way to it counts as missing. An element may be added at the end of an array.
 * - Removing what is not there changes nothing.
 * - Of duplicate keys JSON.parse takes the last: an edit below one goes into the last, while a replaced
 *   or removed property is replaced or removed wherever it occurs, so that no reader sees the old value.
 *
 * @throws GatewayError `invalid_request` when a path leads through a scalar or past the end of an array;
 *   `internal` when one edit's path is a prefix of another's.
 */
export function spliceJson(text: string, edits: readonly JsonEdit[]): string {
  if (edits.length === 0) return text;
  const tree = buildEditTree(edits);
  const appended = appendProperties(text, edits);
  if (appended !== undefined) return appended;
  const cuts: Cut[] = [];
  const start = skipSpace(text, 0);
  if (tree.kind === "set") cuts.push({ start, end: skipValue(text, start), insert: tree.json });
  else cutValue({ text, scanner: createScanner(text, true), cuts }, start, tree);
  return applyCuts(text, cuts);
}

/** Replace text from `start` up to `end` by `insert`. */
interface Cut {
  readonly start: number;
  readonly end: number;
  readonly insert: string;
}

interface Splice {
  readonly text: string;
  readonly scanner: JSONScanner;
  readonly cuts: Cut[];
}

/** A property (from its key) or an array element, and the edit that names it. */
interface Item {
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
  readonly edit: EditNode | undefined;
}

// SyntaxKind is a const enum; its values are written out because one file at a time is compiled.
const closeBrace = 2 satisfies SyntaxKind.CloseBraceToken;
const comma = 5 satisfies SyntaxKind.CommaToken;
const colon = 6 satisfies SyntaxKind.ColonToken;
const stringLiteral = 10 satisfies SyntaxKind.StringLiteral;

/**
 * New top-level properties need only the last brace. That they are new is certain without a scan when
 * the quoted key does not occur at all and no \u escape could spell it.
 */
function appendProperties(text: string, edits: readonly JsonEdit[]): string | undefined {
  let added = "";
  for (const edit of edits) {
    const [key] = edit.path;
    if (edit.path.length !== 1 || typeof key !== "string" || "remove" in edit) return undefined;
    if (!/^[\w-]+$/.test(key) || text.includes(`"${key}"`)) return undefined;
    added += `,"${key}":${JSON.stringify(edit.value)}`;
  }
  if (text.includes("\\u")) return undefined;
  const close = lastNonSpace(text, text.length - 1);
  const last = lastNonSpace(text, close - 1);
  if (text.charCodeAt(close) !== 125 || last < 0) return undefined;
  if (text.charCodeAt(last) === 123) added = added.slice(1);
  return text.slice(0, last + 1) + added + text.slice(last + 1);
}

function cutValue(splice: Splice, start: number, node: EditNode): void {
  const { text, cuts } = splice;
  const first = text.charCodeAt(start);
  if (first === 123) return cutItems(splice, start, readProperties(splice, start, node), node);
  if (first === 91) return cutItems(splice, start, readElements(splice, start, node), node);
  if (!setsAnything(node)) return;
  const json = text.startsWith("null", start) ? missingJson(node) : undefined;
  if (json === undefined) throw unfit();
  cuts.push({ start, end: skipValue(text, start), insert: json });
}

function readProperties(splice: Splice, open: number, node: EditNode): Item[] {
  const { text, scanner } = splice;
  const items: Item[] = [];
  scanner.setPosition(open + 1);
  let token = scanner.scan();
  while (token !== closeBrace) {
    if (token !== stringLiteral) throw notJson();
    const start = scanner.getTokenOffset();
    const edit = node.children.get(scanner.getTokenValue());
    if (scanner.scan() !== colon) throw notJson();
    const valueStart = skipSpace(text, scanner.getPosition());
    const end = skipValue(text, valueStart);
    items.push({ start, valueStart, end, edit });
    scanner.setPosition(end);
    token = scanner.scan();
    if (token === comma) token = scanner.scan();
  }
  return items;
}

function readElements(splice: Splice, open: number, node: EditNode): Item[] {
  const { text } = splice;
  const items: Item[] = [];
  let at = skipSpace(text, open + 1);
  while (text.charCodeAt(at) !== 93) {
    const end = skipValue(text, at);
    items.push({ start: at, valueStart: at, end, edit: node.children.get(items.length) });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === 44) at = skipSpace(text, at + 1);
  }
  return items;
}

function cutItems(splice: Splice, open: number, items: readonly Item[], node: EditNode): void {
  const { text, cuts } = splice;
  const lastOf = new Map<EditNode, Item>();
  for (const item of items) if (item.edit !== undefined) lastOf.set(item.edit, item);
  let keptEnd: number | undefined;
  for (const [at, item] of items.entries()) {
    const { edit } = item;
    if (edit?.kind === "remove") {
      cuts.push({ ...removal(items, at, keptEnd !== undefined), insert: "" });
      continue;
    }
    keptEnd = item.end;
    if (edit?.kind === "set")
      cuts.push({ start: item.valueStart, end: item.end, insert: edit.json });
    else if (edit !== undefined && lastOf.get(edit) === item)
      cutValue(splice, item.valueStart, edit);
  }
  const isArray = text.charCodeAt(open) === 91;
  const added = additions(node, isArray ? items.length : undefined, lastOf);
  if (added.length === 0) return;
  const at = keptEnd ?? open + 1;
  cuts.push({ start: at, end: at, insert: (keptEnd === undefined ? "" : ",") + added.join(",") });
}

/** With the comma before it once anything before it stays, else with the comma after it. */
function removal(
  items: readonly Item[],
  at: number,
  hasKept: boolean,
): { start: number; end: number } {
  const { start, end } = items[at] as Item;
  if (hasKept) return { start: items[at - 1]?.end ?? start, end };
  return { start, end: items[at + 1]?.start ?? end };
}

/** What `node` sets that is not there yet, as text. `length` is that of an array, else undefined. */
function additions(
  node: EditNode,
  length: number | undefined,
  present: ReadonlyMap<EditNode, unknown>,
): string[] {
  const added: string[] = [];
  for (const [step, child] of node.children) {
    if (present.has(child) || !setsAnything(child)) continue;
    const fits = length === undefined ? typeof step === "string" : step === length + added.length;
    const json = missingJson(child);
    if (!fits || json === undefined) throw unfit();
    added.push(length === undefined ? `${JSON.stringify(step)}:${json}` : json);
  }
  return added;
}

function applyCuts(text: string, cuts: Cut[]): string {
  cuts.sort((left, right) => left.start - right.start || left.end - right.end);
  let out = "";
  let at = 0;
  for (const cut of cuts) {
    out += text.slice(at, cut.start) + cut.insert;
    at = cut.end;
  }
  return out + text.slice(at);
}

function lastNonSpace(text: string, from: number): number {
  let at = from;
  while (at >= 0 && text.charCodeAt(at) <= 32) at -= 1;
  return at;
}

function unfit(): GatewayError {
  return new GatewayError("invalid_request", "The body does not have the shape its API asks for.");
}
