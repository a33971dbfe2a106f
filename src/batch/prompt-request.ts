// The request that a prompt becomes, in either API's form, and the text of its reply. Pure.

import { asArray, asObject, isText, type LooseObject } from "../apischema/loose-json.ts";
import type { ApiFormat } from "../config/schema.ts";
import type { AnswerShape } from "./answer-shape.ts";

export interface PromptSettings {
  readonly api: ApiFormat;
  readonly model: string;
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly shape: AnswerShape | undefined;
}

/** A reply that was not as asked for, and what was wrong with it: said back in the next try. */
export interface WrongAnswer {
  readonly text: string;
  readonly problem: string;
}

/** Anthropic wants a limit; a label needs little, a text more. */
const anthropicTokensMax = { label: 256, text: 1024 } as const;
const toolName = "answer";

export function promptRequest(
  settings: PromptSettings,
  prompt: {
    readonly system: string;
    readonly user: string;
    readonly wrong?: WrongAnswer | undefined;
  },
): Record<string, unknown> {
  const { model, temperature } = settings;
  const turns: Record<string, unknown>[] = [{ role: "user", content: prompt.user }];
  if (prompt.wrong !== undefined) {
    const { text, problem } = prompt.wrong;
    const again = `That answer cannot be used: ${problem}. Answer again, as the schema asks.`;
    turns.push({ role: "assistant", content: text === "" ? "(nothing)" : text });
    turns.push({ role: "user", content: again });
  }
  const common = { model, ...(temperature !== undefined && { temperature }) };
  return settings.api === "openai"
    ? { ...common, ...openaiRequest(settings, prompt.system, turns) }
    : { ...common, ...anthropicRequest(settings, prompt.system, turns) };
}

function openaiRequest(
  { maxTokens, shape }: PromptSettings,
  system: string,
  turns: readonly Record<string, unknown>[],
): Record<string, unknown> {
  const format = shape && {
    type: "json_schema",
    json_schema: { name: toolName, strict: true, schema: shape.schema },
  };
  return {
    messages: system === "" ? turns : [{ role: "system", content: system }, ...turns],
    ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
    ...(format && { response_format: format }),
  };
}

function anthropicRequest(
  { maxTokens, shape, model }: PromptSettings,
  system: string,
  turns: readonly Record<string, unknown>[],
): Record<string, unknown> {
  const limit = shape === undefined ? anthropicTokensMax.text : anthropicTokensMax.label;
  return {
    max_tokens: maxTokens ?? limit,
    ...(system !== "" && { system }),
    messages: turns,
    ...(shape && (usesTool(model) ? forcedTool(shape) : structuredOutput(shape))),
  };
}

/** Claude 3 and its like know no structured outputs. */
export function usesTool(model: string): boolean {
  return /claude-(?:[23]|instant|(?:opus|sonnet)-4(?:-0)?(?:-20\d{6})?$)/.test(model);
}

function forcedTool({ schema }: AnswerShape): Record<string, unknown> {
  const tool = { name: toolName, description: "Gives the answer.", input_schema: schema };
  return { tools: [tool], tool_choice: { type: "tool", name: toolName } };
}

function structuredOutput({ schema }: AnswerShape): Record<string, unknown> {
  return { output_config: { format: { type: "json_schema", schema } } };
}

export interface ReplyText {
  /** Or the JSON of its tool's input. */
  readonly text: string;
  /** Why there is none. */
  readonly problem: string;
  /** It ends at its limit of tokens. */
  readonly isCut: boolean;
}

/** What the model said. */
export function replyText(api: ApiFormat, reply: LooseObject): ReplyText {
  const choice = asObject(asArray(reply["choices"])[0]);
  const isCut =
    api === "openai"
      ? choice?.["finish_reason"] === "length"
      : reply["stop_reason"] === "max_tokens";
  const { text, problem } = api === "openai" ? openaiText(choice) : anthropicText(reply);
  const isNothing = text === "" && isCut;
  return { text, isCut, problem: isNothing ? "cut off at its limit of tokens" : problem };
}

function openaiText(choice: LooseObject | undefined): { text: string; problem: string } {
  const message = asObject(choice?.["message"]);
  const content = message?.["content"];
  const isFiltered = content === "" && choice?.["finish_reason"] === "content_filter";
  if (isText(content) && !isFiltered) return { text: content, problem: "" };
  const refusal = message?.["refusal"];
  if (isText(refusal)) return { text: "", problem: `refused: ${refusal.slice(0, 200)}` };
  const text = asArray(content).map(partText).join("");
  return { text, problem: text === "" ? "the reply has no text" : "" };
}

function anthropicText(reply: LooseObject): { text: string; problem: string } {
  const blocks = asArray(reply["content"]).map(asObject);
  const tool = blocks.find((block) => block?.["type"] === "tool_use");
  const text =
    tool === undefined ? blocks.map(partText).join("") : JSON.stringify(tool["input"] ?? {});
  if (text !== "") return { text, problem: "" };
  const refused = reply["stop_reason"] === "refusal";
  return { text, problem: refused ? "refused by the model" : "the reply has no text" };
}

function partText(part: unknown): string {
  const text = asObject(part)?.["text"];
  return isText(text) ? text : "";
}
