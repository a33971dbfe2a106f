// Inputs of `everyspan batch` as they come: of other encodings, empty, broken off, not there. Nothing of them is sent
// as what it is not, and each is told by its name. Real processes, real sockets.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { batchFolder, type BatchFolder } from "../support/batch-process.ts";

let provider: ScriptedProvider;
let folder: BatchFolder;
let before = 0;

beforeAll(() => {
  provider = startScriptedProvider({ script: () => ({ text: "fine" }) });
});
afterAll(() => provider.stop());
beforeEach(() => {
  folder = batchFolder({ provider: provider.url });
  before = provider.requests.length;
});
afterEach(() => folder.remove());

const ask = ["--model", "gpt-4o-mini", "--prompt", "{{text}}"];

/** The texts that the provider was asked about in this test. */
function asked(): string[] {
  return provider.requests
    .slice(before)
    .map(({ body }) => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      return messages.at(-1)?.content ?? "";
    })
    .toSorted();
}

/** One line of it in Latin-1, the third. */
function mixed(lines: readonly string[]): Buffer {
  return Buffer.concat(
    lines.map((line, at) => Buffer.from(`${line}\n`, at === 2 ? "latin1" : "utf8")),
  );
}

const csv = mixed(["id,text", "1,grün", "2,größe", "3,\ufffd 😀"]);
const jsonLines = mixed(['{"text":"grün"}', "", '{"text":"größe"}', '{"text":"\ufffd 😀"}']);

describe("a row that is not UTF-8 is an error row with its line, and never sent", () => {
  test.each([
    ["in.csv", csv, "the record"],
    ["in.tsv", Buffer.from(csv.toString("latin1").replaceAll(",", "\t"), "latin1"), "the record"],
    ["in.jsonl", jsonLines, "the line"],
    ["in.csv.gz", gzipSync(csv), "the record"],
    ["in.jsonl.gz", gzipSync(jsonLines), "the line"],
  ])("of %s and the same over stdin", async (name, bytes, what) => {
    folder.file(name, bytes);
    for (const run of [
      () => folder.run(name, "--output", "out.jsonl", ...ask),
      () => folder.feed(bytes, "-", "--output", "again.jsonl", ...ask),
    ]) {
      before = provider.requests.length;
      const { code, stderr } = await run();
      expect(stderr).toContain("ok 2   failed 1   skipped 0");
      expect(stderr).toContain(`1 × bad_row, such as line 3: ${what} is not UTF-8`);
      expect(code).toBe(1);
      expect(asked()).toEqual(["grün", "\ufffd 😀"]);
    }
    const errors = folder.rows("out.jsonl").map((row) => row["error"]);
    expect(errors).toEqual([null, `line 3: ${what} is not UTF-8`, null]);
  });

  test("of request lines", async () => {
    const line = (text: string): string =>
      JSON.stringify({
        custom_id: text,
        method: "POST",
        url: "/v1/chat/completions",
        body: { model: "gpt-4o-mini", messages: [{ role: "user", content: text }] },
      });
    folder.file("in.jsonl", mixed([line("grün"), line("two"), line("größe"), line("😀")]));
    const { code, stderr } = await folder.run("in.jsonl", "--output", "out.jsonl");
    expect(stderr).toContain("ok 3   failed 1   skipped 0");
    expect(code).toBe(1);
    expect(asked()).toEqual(["grün", "two", "😀"]);
    expect(folder.rows("out.jsonl")[2]?.["error"]).toMatchObject({
      message: "line 3: the line is not UTF-8",
    });
  });

  test("and --strict does not begin", async () => {
    folder.file("in.csv", csv);
    const { code, stderr } = await folder.run("in.csv", "--output", "o.csv", ...ask, "--strict");
    expect(stderr).toContain("1 bad rows, the first at line 3: the record is not UTF-8");
    expect(code).toBe(2);
    expect(asked()).toEqual([]);
  });

  test("nor does a CSV whose header is not, nor a prompt that is not", async () => {
    folder.file("in.csv", Buffer.from("text,größe\n1,2\n", "latin1"));
    const { code, stderr } = await folder.run("in.csv", "--output", "o.csv", ...ask);
    expect(stderr).toBe("in.csv: the header (line 1) is not UTF-8\n");
    expect(code).toBe(2);
    folder.file("right.csv", "text\n1\n");
    folder.file("prompt.txt", Buffer.from("größe? {{text}}", "latin1"));
    const words = ["right.csv", "--output", "o.csv", "--model", "gpt-4o-mini"];
    const asPrompt = await folder.run(...words, "--prompt", "@prompt.txt");
    expect(asPrompt.stderr).toBe("--prompt: prompt.txt: it is not UTF-8\n");
    expect(asPrompt.code).toBe(2);
    expect(asked()).toEqual([]);
  });
});

test("UTF-16 with its byte order mark is read as what it is, and without one is refused", async () => {
  const little = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");
  folder.file("in.csv", little("id;text\r\n1;größe\r\n2;😀\r\n"));
  folder.file("in.jsonl", little('{"text":"größe"}\n{"text":"😀"}\n').swap16());
  for (const name of ["in.csv", "in.jsonl"]) {
    before = provider.requests.length;
    const { code } = await folder.run(name, "--output", `out-${name}`, ...ask);
    expect(code).toBe(0);
    expect(asked()).toEqual(["größe", "😀"]);
  }
  expect(folder.read("out-in.csv")).toContain("\n1;größe;fine;");
  folder.file("bare.jsonl", Buffer.from('{"text":"größe"}\n', "utf16le"));
  folder.file("odd.csv", Buffer.concat([little("text\n"), Buffer.from([0x00, 0xd8, 0x41, 0x00])]));
  before = provider.requests.length;
  const bare = await folder.run("bare.jsonl", "--output", "o", ...ask);
  expect(bare.stderr).toBe(
    "bare.jsonl: it looks like UTF-16 without a byte order mark; save it as UTF-8\n",
  );
  expect(bare.code).toBe(2);
  const odd = await folder.run("odd.csv", "--output", "o", ...ask);
  expect(odd.stderr).toBe("odd.csv: it is not UTF-16 throughout, as it begins; save it as UTF-8\n");
  expect(odd.code).toBe(2);
  expect(asked()).toEqual([]);
});

describe("with nothing to send", () => {
  test("a CSV keeps its columns and has the new ones, and the account says 0 rows", async () => {
    folder.file("in.csv", "id,text,reply\n");
    const { code, stderr } = await folder.run("in.csv", "--output", "out.csv", ...ask);
    expect(stderr).toContain("warning: in.csv has no rows");
    expect(stderr).toContain("ok 0   failed 0   skipped 0");
    expect(code).toBe(0);
    expect(folder.read("out.csv")).toBe(
      "id,text,reply,new_reply,error,trace_id,input_tokens,output_tokens,cost\n",
    );
    const wrong = await folder.run("in.csv", "--output", "o.csv", ...ask.with(-1, "{{txt}}"));
    expect(wrong.stderr).toContain('--prompt: the input has no column "txt"; it has id, text');
    expect(wrong.code).toBe(2);
  });

  test("for all rows are bad, a CSV keeps its columns", async () => {
    folder.file("in.csv", "id,text\n1\n2,b,c\n");
    const { code } = await folder.run("in.csv", "--output", "out.csv", ...ask);
    expect(code).toBe(1);
    const lines = folder.read("out.csv").split("\n");
    expect(lines[0]).toStartWith("id,text,reply,error,");
    expect(lines[1]).toStartWith("1,,,line 2: 1 fields where the header has 2,");
    expect(lines[2]).toStartWith("2,b,,line 3: 3 fields where the header has 2,");
  });

  test("for there is not a byte, a CSV is refused and JSON lines are said to be none", async () => {
    folder.file("in.csv", "");
    folder.file("in.csv.gz", gzipSync(""));
    for (const name of ["in.csv", "in.csv.gz"]) {
      const { code, stderr } = await folder.run(name, "--output", "out.csv", ...ask);
      expect(stderr).toBe(`${name}: there is no header row in it\n`);
      expect(code).toBe(2);
    }
    const fed = await folder.feed("", "-", "--output", "out.csv", ...ask);
    expect(fed.stderr).toBe("stdin: there is no header row in it\n");
    expect(fed.code).toBe(2);
    folder.file("in.jsonl", "");
    for (const words of [ask, []]) {
      const { code, stderr } = await folder.run("in.jsonl", "--output", "o", "--restart", ...words);
      expect(stderr).toContain("warning: in.jsonl has no rows");
      expect(stderr).toContain("ok 0   failed 0   skipped 0");
      expect(code).toBe(0);
      expect(folder.read("o")).toBe("");
    }
  });
});

test("what a killed process had kept of stdin goes when stdin is kept again", async () => {
  const kept = join(folder.path, "out.csv.everyspan");
  mkdirSync(kept);
  folder.file("out.csv.everyspan/input.999999999", "text\nhalf");
  folder.file(`out.csv.everyspan/input.${process.pid}`, "text\nof another that runs");
  const { code } = await folder.feed("text\na\n", "-", "--output", "out.csv", ...ask);
  expect(code).toBe(0);
  const files = readdirSync(kept).filter((name) => name.startsWith("input"));
  expect(files.toSorted()).toEqual(["input", `input.${process.pid}`]);
});

describe("what cannot be read is told with its name", () => {
  test("a folder, a part of a compressed file, a file that is not there", async () => {
    mkdirSync(join(folder.path, "data"));
    const whole = gzipSync(`text\n${"abc\n".repeat(1000)}`);
    folder.file("part.csv.gz", whole.subarray(0, whole.length - 9));
    for (const [input, said] of [
      [".", ".: it is a folder, no file"],
      ["data", "data: it is a folder, no file"],
      ["none.csv", "none.csv: there is no such file"],
      ["part.csv.gz", "part.csv.gz: it cannot be decompressed: unexpected end of file"],
    ] as const) {
      const { code, stderr } = await folder.run(input, "--output", "o.csv", ...ask);
      expect(stderr).toBe(`${said}\n`);
      expect(code).toBe(2);
    }
  });

  test("what an option names", async () => {
    folder.file("in.csv", "text\n1\n");
    folder.file("list.json", "[1]");
    const words = ["in.csv", "--output", "o.csv", ...ask];
    for (const [option, value, said] of [
      ["--prompt", "@.", ".: it is a folder, no file"],
      ["--prompt", "@none.txt", "none.txt: there is no such file"],
      ["--system", "@in.csv/x", "in.csv/x: a part of its path is no folder"],
      ["--schema", ".", ".: it is a folder, no file"],
      ["--schema", "none.json", "none.json: there is no such file"],
      ["--schema", "list.json", "list.json: it is no JSON object"],
    ] as const) {
      const { code, stderr } = await folder.run(...words, option, value);
      expect(stderr).toBe(`${option}: ${said}\n`);
      expect(code).toBe(2);
    }
    expect(asked()).toEqual([]);
  });
});
