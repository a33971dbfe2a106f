// Bench: what people write instead of `everyspan batch`, at its fastest: so many fetches at once, a line per reply.
// No retries, no traces, no order, nothing to go on from. Arguments: provider port, input, output, fetches at once.

import { readFileSync } from "node:fs";

const [port, input = "", output = "", atOnce] = Bun.argv.slice(2);
const lines = readFileSync(input, "utf8").split("\n");
const writer = Bun.file(output).writer();
let next = 0;

async function work(): Promise<void> {
  for (;;) {
    const line = lines[next++];
    if (line === undefined || line === "") return;
    const row = JSON.parse(line) as { readonly text: string };
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer bench" },
      body: JSON.stringify({ model: "plain", messages: [{ role: "user", content: row.text }] }),
    });
    const reply = (await response.json()) as {
      readonly choices: { readonly message: { readonly content: string } }[];
    };
    const text = reply.choices[0]?.message.content;
    void writer.write(`${JSON.stringify({ ...row, reply: text })}\n`);
  }
}

const startedMs = performance.now();
await Promise.all(Array.from({ length: Number(atOnce) }, work));
await writer.end();
console.log((performance.now() - startedMs) / 1000);
