// Providers that answer a batch with values that no ledger, file or sum takes as they are: such a row is settled, and
// takes no other along. Real processes, real sockets.

import { afterEach, expect, test } from "bun:test";
import { batchFolder, type BatchFolder } from "../support/batch-process.ts";

let folder: BatchFolder | undefined;
let server: ReturnType<typeof Bun.serve> | undefined;

afterEach(async () => {
  folder?.remove();
  await server?.stop(true);
});

/** `answerOf`: the JSON that a row is answered, by its number. */
function begin(rowCount: number, answerOf: (row: number) => string): BatchFolder {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const row = Number(/row-(\d+)-/.exec(await request.text())?.[1]);
      return new Response(answerOf(row), { headers: { "content-type": "application/json" } });
    },
  });
  folder = batchFolder({ provider: `http://127.0.0.1:${server.port}` });
  const rows = Array.from({ length: rowCount }, (_, row) => ({
    custom_id: `row-${row}-`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: [{ role: "user", content: `row-${row}-` }] },
  }));
  folder.file("in.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return folder;
}

function answer(usage: string, extra = ""): string {
  const message = JSON.stringify({ role: "assistant", content: "fine" });
  return `{"model":"gpt-4o-mini","choices":[{"message":${message}}],"usage":${usage}${extra}}`;
}

test("counts of tokens that are no whole numbers, or past all counting, are made such", async () => {
  const counts = ["1.5", "-3", "1e300", "9007199254740993", '"7"', "null", "{}", "1e999", "4"];
  const { run, rows } = begin(300, (row) => {
    const count = counts[row % counts.length];
    return answer(`{"prompt_tokens":${count},"completion_tokens":${count}}`);
  });
  const words = ["in.jsonl", "--output", "out.jsonl", "--concurrency", "16"];
  const first = await run(...words);
  expect(first.stderr).toContain("ok 300   failed 0   skipped 0");
  expect(first.code).toBe(0);
  const again = await run(...words);
  expect(again.stderr).toContain("ok 300   failed 0   skipped 0   (300 from before)");
  expect(rows("out.jsonl").length).toBe(300);
}, 30_000);

test.each(["rows", "requests"])(
  "a line too deep to be written is a bad row of %s",
  async (what) => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const { file, run, rows } = begin(0, () => answer("{}"));
    const line = (row: number, value: string): string =>
      what === "rows"
        ? `{"custom_id":"row-${row}-","extra":${value}}\n`
        : `{"custom_id":"row-${row}-","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[],"extra":${value}}}\n`;
    file("in.jsonl", line(0, "1") + line(1, deep) + line(2, "3"));
    const prompt = what === "rows" ? ["--prompt", "{{custom_id}}", "--model", "gpt-4o-mini"] : [];
    const { code, stderr } = await run("in.jsonl", "--output", "out.jsonl", ...prompt);
    expect(stderr).toContain("ok 2   failed 1   skipped 0");
    expect(code).toBe(1);
    expect(rows("out.jsonl").length).toBe(3);
  },
  30_000,
);

test("an answer that cannot be written fails, alone", async () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  const usage = '{"prompt_tokens":3,"completion_tokens":4}';
  const { run, rows } = begin(40, (row) =>
    row === 7 ? answer(usage, `,"deep":${deep}`) : answer(usage),
  );
  const { code, stderr } = await run("in.jsonl", "--output", "out.jsonl", "--concurrency", "4");
  expect(stderr).toContain("ok 39   failed 1   skipped 0");
  expect(code).toBe(1);
  const failed = rows("out.jsonl").filter((row) => row["error"] !== null);
  expect(failed.map((row) => row["custom_id"])).toEqual(["row-7-"]);
}, 30_000);
