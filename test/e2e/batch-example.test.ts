// The example of docs/batch.md, run as it is written there but for the provider, which is scripted.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { runBatchDemo } from "../../src/demo/run-batch-demo.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { supportMessages } from "../../src/demo/support-messages.ts";
import { batchFolder } from "../support/batch-process.ts";

const repository = resolve(import.meta.dir, "../..");
const example = readFileSync(resolve(repository, "examples/support-messages.csv"), "utf8");

test("the demo's messages are those of the example", () => {
  expect(supportMessages).toBe(example);
});

test("the documented command labels the example and says how well", async () => {
  const text = readFileSync(resolve(repository, "docs/batch.md"), "utf8");
  const command = /everyspan batch (examples\/[\s\S]*?)\n```/.exec(text)?.[1] ?? "";
  const words = [...command.replaceAll("\\\n", " ").matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
  const provider = startScriptedProvider({
    script: ({ body }) => ({
      text: JSON.stringify({ label: /invoice|charge|refund/.test(body) ? "billing" : "bug" }),
    }),
  });
  const folder = batchFolder({ provider: provider.url });
  try {
    const input = resolve(repository, words[0] ?? "");
    const { code, stderr } = await folder.run(input, ...words.slice(1));
    expect(stderr).toMatch(/accuracy 0\.\d{3} \(\d+ of 60\)/);
    expect(code).toBe(0);
    expect(folder.read("labelled.csv").split("\n").length).toBe(62);
  } finally {
    provider.stop();
    folder.remove();
  }
});

test("the demo's batch is stopped, goes on, and asks for no row twice", async () => {
  const { problems, runs, calls } = await runBatchDemo("0.0.0");
  expect(problems).toEqual([]);
  expect(calls).toBe(60);
  expect(runs.map(({ stoppedBy }) => stoppedBy)).toEqual(["SIGINT", ""]);
});
