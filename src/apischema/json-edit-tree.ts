// The edits of a body as a tree of steps, so that one pass over the text finds all of them.
// Pure; used by json-splice.ts alone.

import { GatewayError } from "../errors/gateway-error.ts";
import type { JsonEdit } from "./json-edit.ts";

/** `set` and `remove` are leaves; `below` leads to them. `json` is the text of the new value. */
export interface EditNode {
  kind: "below" | "set" | "remove";
  json: string;
  readonly children: Map<string | number, EditNode>;
}

/** @throws GatewayError `internal` when edits overlap, or the whole text is to be removed. */
export function buildEditTree(edits: readonly JsonEdit[]): EditNode {
  const root = newNode();
  for (const edit of edits) {
    let node = root;
    for (const step of edit.path) {
      if (node.kind !== "below") throw overlap();
      let child = node.children.get(step);
      if (child === undefined) {
        child = newNode();
        node.children.set(step, child);
      }
      node = child;
    }
    if (node.kind !== "below" || node.children.size > 0) throw overlap();
    if ("remove" in edit) {
      if (node === root) throw overlap();
      node.kind = "remove";
    } else {
      node.kind = "set";
      node.json = JSON.stringify(edit.value);
    }
  }
  return root;
}

export function setsAnything(node: EditNode): boolean {
  if (node.kind !== "below") return node.kind === "set";
  for (const child of node.children.values()) if (setsAnything(child)) return true;
  return false;
}

/** The value to write where nothing is yet; undefined when that would have to be an array. */
export function missingJson(node: EditNode): string | undefined {
  if (node.kind === "set") return node.json;
  const properties: string[] = [];
  for (const [step, child] of node.children) {
    if (!setsAnything(child)) continue;
    const json = missingJson(child);
    if (typeof step !== "string" || json === undefined) return undefined;
    properties.push(`${JSON.stringify(step)}:${json}`);
  }
  return `{${properties.join(",")}}`;
}

function newNode(): EditNode {
  return { kind: "below", json: "", children: new Map() };
}

function overlap(): GatewayError {
  return new GatewayError("internal", "Edits of a body overlap.");
}
