// Demo, tests and bench: what the scripted model says to a request, before it takes an API's shape. Pure.

import type { Script } from "./provider-script.ts";
import { usageOfCall, type CallUsage } from "./provider-usage.ts";

export interface ToolUse {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly input: string;
}

export interface ReplyContent {
  readonly call: number;
  readonly model: string;
  readonly text: string;
  /** The text in the parts of a stream. */
  readonly parts: readonly string[];
  readonly toolUses: readonly ToolUse[];
  readonly usage: CallUsage;
}

type Json = Readonly<Record<string, unknown>>;

/** Content for the nth call. Tools in the request are used (up to two at once) until a result comes back. */
export function replyContent(call: number, json: Json, script: Script): ReplyContent {
  const text = script.text ?? (wantsJson(json) ? `{"answer":"call ${call}"}` : plainText(call));
  const usage = script.usage === undefined ? usageOfCall(call) : withDefaults(call, script.usage);
  return {
    call,
    model: typeof json["model"] === "string" ? json["model"] : "unknown",
    text,
    parts: inParts(text, script.chunks ?? Math.min(5, text.length)),
    toolUses: script.text === undefined ? toolUses(call, json) : [],
    usage,
  };
}

/** Splits text into `count` parts of whole characters; with too few, parts are added to the text. */
export function inParts(text: string, count: number): readonly string[] {
  const characters = Array.from(text);
  if (characters.length < count) return Array.from({ length: count }, (_, at) => partAt(text, at));
  const size = Math.ceil(characters.length / Math.max(1, count));
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += size) {
    parts.push(characters.slice(at, at + size).join(""));
  }
  return parts;
}

function partAt(text: string, at: number): string {
  return at === 0 ? text : ` ${at}`;
}

function plainText(call: number): string {
  return `This is the scripted reply to call ${call}.`;
}

function wantsJson(json: Json): boolean {
  const format = json["response_format"] ?? json["output_config"];
  return typeof format === "object" && format !== null;
}

function withDefaults(call: number, usage: Partial<CallUsage>): CallUsage {
  return { ...usageOfCall(call), ...usage };
}

function toolUses(call: number, json: Json): readonly ToolUse[] {
  const tools = json["tools"];
  if (!Array.isArray(tools) || hasToolResult(json)) return [];
  return tools.slice(0, 2).map((tool: unknown, at) => ({
    id: `call_${call}_${at}`,
    name: toolName(tool),
    input: JSON.stringify({ city: at === 0 ? "Zürich" : "São Paulo", call }),
  }));
}

function toolName(tool: unknown): string {
  const named = tool as { name?: unknown; function?: { name?: unknown } } | null;
  const name = named?.function?.name ?? named?.name;
  return typeof name === "string" ? name : "unnamed";
}

function hasToolResult(json: Json): boolean {
  const messages = json["messages"];
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  const text = JSON.stringify(last ?? "");
  return text.includes('"role":"tool"') || text.includes('"type":"tool_result"');
}
