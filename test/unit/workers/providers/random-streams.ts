// Random event streams for property tests: mostly events that are alike, as providers send them, and among them
// everything that could be taken for alike and is not.

import type { Random } from "../../apischema/random-json.ts";

const texts = [
  "a",
  " word",
  "東京 😀",
  "",
  'say "hi"',
  "\\",
  'back\\"',
  "line\n\nline",
  "\r",
  ',"usage":null}',
  ',"usage":null}\n\ndata: [DONE]\n\n',
  '"usage":null',
  '"},"finish_reason":"stop"}],"usage":null}',
  '","obfuscation":"',
  '"error":{"message":"m"}',
  "event: error\ndata: x",
  "\u2028",
] as const;
const usages = [null, { prompt_tokens: 3, completion_tokens: 4 }] as const;

type Style = (json: string) => string;
const compact: Style = (json) => json;
/** White space where Python puts it; only outside of strings. */
const spaced: Style = (json) =>
  json.replaceAll(/"(?:[^"\\]|\\.)*"|[:,]/g, (token) => (token.length === 1 ? `${token} ` : token));

/** A chat stream, whole or cut short, with all that servers do and some that none does. */
export function randomOpenAIStream(random: Random): string {
  const style = random.chance(0.2) ? spaced : compact;
  const tail = random.pick([
    {},
    { usage: null },
    { usage: null, obfuscation: "xyz" },
    { obfuscation: "xyz", usage: null },
  ]);
  const isReversed = random.chance(0.15);
  const deltaKey = random.pick(["content", "content", "reasoning_content"]);
  const chunk = (choices: unknown, more: object = tail): string => {
    const fields = Object.entries({ id: "c-1", model: "m-1", choices, ...more });
    if ("obfuscation" in more) {
      const at = fields.findIndex(([key]) => key === "obfuscation");
      fields[at] = ["obfuscation", "x".repeat(random.below(4))];
    }
    return style(JSON.stringify(Object.fromEntries(isReversed ? fields.toReversed() : fields)));
  };
  const choice = (delta: unknown, finish: string | null = null, index = 0): unknown[] => [
    { index, delta, logprobs: null, finish_reason: finish },
  ];
  const word = (): string => chunk(choice({ [deltaKey]: random.pick(texts) }));
  const odd: (() => string)[] = [
    () => chunk(choice({ content: random.pick(texts) }, "stop")),
    () => chunk(choice({ content: random.pick(texts) }, null, random.below(3))),
    () =>
      chunk(choice({ tool_calls: [{ index: 0, function: { arguments: random.pick(texts) } }] })),
    () => chunk(choice({ tool_calls: [{ index: 1, function: { arguments: "{" } }] })),
    () => chunk([], { usage: random.pick(usages) }),
    () => chunk(choice({ content: "x" }), { usage: random.pick(usages) }),
    () => chunk(choice({}, random.pick(["stop", "length", null]))),
    () => chunk(choice({ content: "y" }), { ...tail, error: null }),
    () => chunk(choice({ content: "y" }), { ...tail, timings: { usage: null } }),
    () => chunk(choice({ content: "x".repeat(3000) })),
    () => '{"usage": {',
    () => "{}",
  ];
  if (random.chance(0.05)) odd.push(() => '{"error":{"message":"m","type":"t"}}');
  const data = [chunk(choice({ role: "assistant", content: "" }))];
  for (let count = random.below(25); count > 0; count -= 1) {
    data.push(random.chance(0.8) ? word() : random.pick(odd)());
  }
  if (random.chance(0.8)) data.push(chunk(choice({}, "stop")), chunk([], { usage: usages[1] }));
  if (random.chance(0.8)) data.push("[DONE]");
  return toEvents(
    random,
    data.map((json) => `data: ${json}\n\n`),
  );
}

/** A message stream, whole or cut short. */
export function randomAnthropicStream(random: Random): string {
  const style = random.chance(0.2) ? spaced : compact;
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${style(JSON.stringify({ type, ...fields }))}\n\n`;
  const delta = (fields: object, index = 0): string =>
    event("content_block_delta", { index, delta: fields });
  const kind = random.pick(["text", "text", "partial_json", "thinking"]);
  const odd: (() => string)[] = [
    () => event("ping", {}),
    () => delta({ type: "text_delta", text: random.pick(texts) }, random.below(3)),
    () => delta({ type: "signature_delta", signature: random.pick(texts) }),
    () => delta({ type: "citations_delta", citation: { cited_text: random.pick(texts) } }),
    () => event("content_block_stop", { index: 0 }),
    () => event("content_block_start", { content_block: { type: "text", text: "" } }),
    () =>
      event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } }),
    () => event("new_event", { text: "a" }),
    () => `data: ${JSON.stringify({ type: "content_block_delta", delta: { text: "a" } })}\n\n`,
  ];
  if (random.chance(0.05)) odd.push(() => event("error", { error: { type: "api_error" } }));
  const message = { id: "msg_1", model: "claude", usage: { input_tokens: 3, output_tokens: 1 } };
  const events = [event("message_start", { message })];
  for (let count = random.below(25); count > 0; count -= 1) {
    const isOdd = random.chance(0.2);
    events.push(
      isOdd ? random.pick(odd)() : delta({ type: `${kind}_delta`, [kind]: random.pick(texts) }),
    );
  }
  if (random.chance(0.8)) {
    events.push(event("message_delta", { delta: { stop_reason: "end_turn" } }));
    events.push(event("message_stop", {}));
  }
  return toEvents(random, events);
}

/** Comments, other line ends, data on several lines, raw line ends in the text, and no blank line at the end. */
function toEvents(random: Random, events: readonly string[]): string {
  const disturbance = random.below(12);
  let text = "";
  for (const event of events) {
    if (disturbance === 0 && random.chance(0.2)) text += ": a comment\n\n";
    if (disturbance === 1 && random.chance(0.2)) text += "\n";
    if (disturbance === 2 && random.chance(0.2))
      text += event.replace("data: {", "data: {\ndata: ");
    else if (disturbance === 3 && random.chance(0.2)) text += `id: 7\n${event}`;
    else if (disturbance === 4 && random.chance(0.2)) text += event.replace("word", "w\n\nrd");
    else if (disturbance === 5 && random.chance(0.2)) text += event.replace("word", "w\rrd");
    else if (disturbance === 6 && random.chance(0.2)) text += event.replaceAll("\n", "\r\n");
    else text += event;
  }
  if (disturbance === 7) return text.replaceAll("\n", "\r\n");
  if (disturbance === 8) return text.replaceAll("\n", "\r");
  if (disturbance === 9) return text.trimEnd();
  if (disturbance === 10) return `\uFEFF${text}`;
  return text;
}
