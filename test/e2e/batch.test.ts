// `everyspan batch` from the outside: forms of input and output, labels, limits, traces, the account.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import type { ProviderRequest, Script } from "../../src/demo/provider-script.ts";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { batchFolder, type BatchFolder } from "../support/batch-process.ts";
import { startBucketProvider } from "../support/bucket-provider.ts";

let answer: (request: ProviderRequest) => Script | undefined = () => undefined;
let provider: ScriptedProvider;
let receiver: ReturnType<typeof startOtlpReceiver>;
let folder: BatchFolder;

beforeAll(() => {
  provider = startScriptedProvider({ script: (request) => answer(request) });
  receiver = startOtlpReceiver();
});
afterAll(() => {
  provider.stop();
  receiver.stop();
});
beforeEach(() => {
  answer = () => undefined;
  folder = batchFolder({ provider: provider.url, receiver: receiver.url });
});
afterEach(() => folder.remove());

const model = ["--model", "gpt-4o-mini"];
const says =
  (text: string): (() => Script) =>
  () => ({ text });

interface Asked {
  readonly messages: { readonly content: string }[];
  readonly temperature?: number;
  readonly tool_choice?: unknown;
  readonly output_config?: { readonly format: { readonly type: string } };
  readonly response_format?: {
    readonly json_schema: {
      readonly strict: boolean;
      readonly schema: { readonly properties: { readonly label: { readonly enum: string[] } } };
    };
  };
}

function parsed(body: string | undefined): Asked {
  return JSON.parse(body ?? "{}") as Asked;
}

/** What providers were asked since `from`. */
function asked(from: number): string[] {
  return provider.requests.slice(from).map(({ body }) => body);
}

function spansOf(trace: unknown): ReturnType<typeof receiver.spans>[number][] {
  return receiver.spans().filter((span) => span.traceId === trace);
}

describe("rows with a prompt", () => {
  test("of CSV with quotes, newlines, a BOM and semicolons come back as they were, with columns more", async () => {
    answer = says("fine");
    folder.file("in.csv", '\ufeffid;text\r\n1;"a ""quoted""; b"\r\n2;"two\nlines"\r\n\r\n3;é\r\n');
    const from = provider.requests.length;
    const { code } = await folder.run(
      "in.csv",
      "--output",
      "out.csv",
      ...model,
      "--prompt",
      "> {{text}}",
    );
    expect(code).toBe(0);
    const lines = folder.read("out.csv");
    expect(lines).toStartWith("id;text;reply;error;trace_id;input_tokens;output_tokens;cost\n");
    expect(lines).toContain('\n1;"a ""quoted""; b";fine;;');
    expect(lines).toContain('\n2;"two\nlines";fine;;');
    expect(lines).toContain("\n3;é;fine;;");
    const prompts = asked(from).map((body) => parsed(body).messages[0]?.content ?? "");
    expect(prompts.toSorted()).toEqual(['> a "quoted"; b', "> two\nlines", "> é"]);
  });

  test("of JSON lines may hold anything, and prompts and systems may be files", async () => {
    answer = says("ok");
    folder.file("prompt.txt", "Tags {{ tags }} of {{n}}");
    folder.file("in.jsonl", '{"n":1,"tags":["a"],"label":"x"}\n\n{"n":2,"tags":null}');
    const from = provider.requests.length;
    const words = ["--prompt", "@prompt.txt", "--system", "You judge {{n}}.", "--temperature", "0"];
    const { code } = await folder.run("in.jsonl", "--output", "out.jsonl", ...model, ...words);
    expect(code).toBe(0);
    const bodies = asked(from).map((body) => JSON.parse(body) as Record<string, unknown>);
    expect(bodies.map((body) => body["messages"])).toContainEqual([
      { role: "system", content: "You judge 1." },
      { role: "user", content: 'Tags ["a"] of 1' },
    ]);
    expect(bodies.every((body) => body["temperature"] === 0)).toBe(true);
    expect(folder.rows("out.jsonl").map((row) => row["tags"])).toEqual([["a"], null]);
  });

  test("are read and written compressed, and from stdin to stdout", async () => {
    answer = says("ok");
    folder.file("in.csv.gz", gzipSync("id\n1\n2\n"));
    const words = [...model, "--prompt", "{{id}}"];
    expect((await folder.run("in.csv.gz", "--output", "out.jsonl.gz", ...words)).code).toBe(0);
    const text = gunzipSync(readFileSync(join(folder.path, "out.jsonl.gz"))).toString();
    expect(
      text
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toEqual(["1", "2"]);
    const { code, stdout } = await folder.run("in.csv.gz", "--output", "-", ...words);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").length).toBe(3);
  });

  test("that cannot be read are error rows with their line, and stop nothing unless --strict", async () => {
    answer = says("ok");
    folder.file("in.jsonl", '{"t":"a"}\n{broken\n{"x":1}\n{"t":"b"}\n');
    const words = ["in.jsonl", "--output", "out.jsonl", ...model, "--prompt", "{{t}}"];
    const from = provider.requests.length;
    const strict = await folder.run(...words, "--strict");
    expect(strict.code).toBe(2);
    expect(strict.stderr).toContain("at line 2: the line is no JSON");
    expect(asked(from)).toEqual([]);
    const { code, stderr } = await folder.run(...words);
    expect(code).toBe(1);
    expect(stderr).toContain("ok 2   failed 2   skipped 0");
    expect(stderr).toContain("2 × bad_row, such as line 2");
    expect(folder.rows("out.jsonl").map((row) => row["error"])).toEqual([
      null,
      "line 2: the line is no JSON",
      "line 3: no column t",
      null,
    ]);
  });

  test("are never written over their own input, by whatever way, nor sent when there can be no output", async () => {
    const text = "id,text\n1,a\n2,b\n";
    folder.file("own.csv", text);
    symlinkSync(join(folder.path, "own.csv"), join(folder.path, "link.csv"));
    mkdirSync(join(folder.path, "taken.csv"));
    const from = provider.requests.length;
    for (const output of ["own.csv", "./nowhere/../own.csv", "link.csv"]) {
      const words = ["own.csv", "--output", output, ...model, "--prompt", "{{text}}"];
      const { code, stderr } = await folder.run(...words);
      expect(code).toBe(2);
      expect(stderr).toContain("--output: that is the input");
      expect(folder.read("own.csv")).toBe(text);
    }
    const taken = ["own.csv", "--output", "taken.csv", ...model, "--prompt", "{{text}}"];
    const { code, stderr } = await folder.run(...taken);
    expect(code).toBe(2);
    expect(stderr).toContain("taken.csv: it is a folder, no file");
    expect(asked(from)).toEqual([]);
  });

  test("are refused before the first call when the prompt names a column that is not there", async () => {
    folder.file("in.csv", "id,text\n1,a\n");
    const from = provider.requests.length;
    const { code, stderr } = await folder.run(
      "in.csv",
      "--output",
      "o.csv",
      ...model,
      "--prompt",
      "{{txt}}",
    );
    expect(code).toBe(2);
    expect(stderr).toContain('no column "txt"; it has id, text');
    expect(asked(from)).toEqual([]);
  });

  test("are refused with a model that is not configured, by those that are", async () => {
    const config = JSON.parse(folder.read("everyspan.yaml")) as Record<string, unknown>;
    const names = ["fast", "claude-*", ...Array.from({ length: 10 }, (_, at) => `m${at}`)];
    const models = names.map((name) => ({ name, provider: "openai", model: "gpt-4o-mini" }));
    folder.file("some.yaml", JSON.stringify({ ...config, models }));
    folder.file("in.csv", "text\na\n");
    folder.file("requests.jsonl", '{"custom_id":"1","url":"/v1/chat/completions","body":{}}\n');
    const from = provider.requests.length;
    for (const words of [["in.csv", "--prompt", "{{text}}"], ["requests.jsonl"]]) {
      const more = ["--model", "gpt-4o", "--output", "o", "--config", "some.yaml"];
      const { code, stderr } = await folder.run(...words, ...more);
      expect(stderr).toBe(
        '--model: "gpt-4o" is not configured; these are: ' +
          "fast, claude-*, m0, m1, m2, m3, m4, m5, m6, m7 and 2 more\n",
      );
      expect(code).toBe(2);
    }
    expect(asked(from)).toEqual([]);
  });

  test("need the key of the provider that serves the model, and no other's", async () => {
    folder.file("in.csv", "text\na\n");
    const { providers } = JSON.parse(folder.read("everyspan.yaml")) as {
      providers: Record<string, object>;
    };
    const open = { api: "openai", base_url: "https://api.openai.com/v1" };
    const models = [
      { name: "here", provider: "local", model: "gpt-4o-mini" },
      { name: "there", provider: "open" },
    ];
    folder.file(
      "two.yaml",
      JSON.stringify({ providers: { open, local: providers["openai"] }, models }),
    );
    const words = ["in.csv", "--output", "o.csv", "--prompt", "{{text}}", "--config", "two.yaml"];
    const there = await folder.run(...words, "--model", "there");
    expect(there.stderr).toBe("no key for open: set OPENAI_API_KEY, or api_key of that provider\n");
    expect(there.code).toBe(2);
    expect((await folder.run(...words, "--model", "here")).code).toBe(0);
  });

  test("come out in the order of the input, however their calls end", async () => {
    answer = ({ body }) => ({
      text: "x",
      delayMs: Number(/n(\d+)/.exec(body)?.[1]) % 7 === 0 ? 60 : 0,
    });
    const lines = Array.from({ length: 300 }, (_, at) => `{"id":${at}}`);
    folder.file("in.jsonl", lines.join("\n"));
    const { code } = await folder.run(
      "in.jsonl",
      "--output",
      "o.jsonl",
      ...model,
      "--prompt",
      "n{{id}}",
    );
    expect(code).toBe(0);
    expect(folder.rows("o.jsonl").map((row) => row["id"])).toEqual(lines.map((_, at) => at));
  });
});

describe("labels", () => {
  test("are asked for in each API's own way, and compared with the truth", async () => {
    answer = ({ body }) => ({
      text: body.includes("refund") ? '{"label":"billing"}' : '{"label":"bug"}',
    });
    folder.file("in.csv", "text,truth\nrefund,billing\ncrash,bug\nrefund it,bug\n");
    const words = ["--prompt", "{{text}}", "--labels", "billing,bug", "--truth", "truth"];
    const from = provider.requests.length;
    const openai = await folder.run("in.csv", "--output", "a.csv", ...model, ...words);
    expect(openai.code).toBe(0);
    expect(openai.stderr).toContain("accuracy 0.667 (2 of 3)");
    const format = parsed(asked(from)[0]).response_format;
    expect(format?.json_schema).toMatchObject({ strict: true });
    expect(format?.json_schema.schema.properties.label.enum).toEqual(["billing", "bug"]);
    const next = provider.requests.length;
    const claude = ["--model", "claude-haiku-4-5"];
    expect((await folder.run("in.csv", "--output", "b.csv", ...claude, ...words)).code).toBe(0);
    expect(parsed(asked(next)[0]).output_config?.format.type).toBe("json_schema");
    expect(folder.read("b.csv")).toContain("refund it,bug,billing,");
  });

  test("that are wrong are asked for again with what is wrong, then become an error row", async () => {
    answer = ({ body }) => ({
      text:
        body.includes("cannot be used") && body.includes("good")
          ? '{"label":"a"}'
          : '{"label":"z"}',
    });
    folder.file("in.jsonl", '{"t":"good"}\n{"t":"never"}');
    const from = provider.requests.length;
    const words = ["--prompt", "{{t}}", "--labels", "a,b", "--answer-retries", "1"];
    const { code } = await folder.run("in.jsonl", "--output", "o.jsonl", ...model, ...words);
    expect(code).toBe(1);
    expect(asked(from).length).toBe(4);
    const [good, never] = folder.rows("o.jsonl");
    expect(good).toMatchObject({ label: "a", error: null });
    expect(never).toMatchObject({
      label: null,
      error: 'invalid_answer: label: must be one of "a", "b"',
    });
    const spans = spansOf(never?.["trace_id"]);
    const chats = spans.filter((span) => span.name.startsWith("chat "));
    expect(chats.length).toBe(4);
    for (const chat of chats) {
      expect(spans.filter((span) => span.parentSpanId === chat.spanId).length).toBe(1);
    }
  });

  test("of a Claude that knows no structured outputs come from a forced tool", async () => {
    answer = () => ({
      body: JSON.stringify({
        id: "m",
        type: "message",
        role: "assistant",
        model: "c",
        stop_reason: "tool_use",
        content: [{ type: "tool_use", id: "t", name: "answer", input: { label: "b" } }],
        usage: { input_tokens: 3, output_tokens: 2 },
      }),
      status: 200,
      headers: { "content-type": "application/json" },
    });
    folder.file("in.jsonl", '{"t":"x"}');
    const from = provider.requests.length;
    const words = ["--model", "claude-3-haiku-20240307", "--prompt", "{{t}}", "--labels", "a,b"];
    const { code } = await folder.run("in.jsonl", "--output", "o.jsonl", ...words);
    expect(code).toBe(0);
    expect(parsed(asked(from)[0]).tool_choice).toEqual({ type: "tool", name: "answer" });
    expect(folder.rows("o.jsonl")[0]).toMatchObject({
      label: "b",
      input_tokens: 3,
      output_tokens: 2,
    });
  });

  test("of a schema are checked against it", async () => {
    answer = ({ body }) => ({
      text: body.includes("n1") ? '{"label":"x","sure":0.5}' : '{"label":"x","sure":7}',
    });
    folder.file("in.jsonl", '{"t":"n1"}\n{"t":"n2"}');
    folder.file(
      "s.json",
      JSON.stringify({
        type: "object",
        properties: { label: { type: "string" }, sure: { type: "number", maximum: 1 } },
        required: ["label", "sure"],
        additionalProperties: false,
      }),
    );
    const words = ["--prompt", "{{t}}", "--schema", "s.json", "--answer-retries", "0"];
    const { code } = await folder.run("in.jsonl", "--output", "o.jsonl", ...model, ...words);
    expect(code).toBe(1);
    const [first, second] = folder.rows("o.jsonl");
    expect(first).toMatchObject({ label: "x", error: null });
    expect(String(second?.["error"])).toStartWith("invalid_answer: sure: ");
  });
});

describe("request lines", () => {
  test("are refused with options that only a prompt has a use for", async () => {
    folder.file("in.jsonl", '{"custom_id":"1","url":"/v1/chat/completions","body":{}}\n');
    const from = provider.requests.length;
    const words = ["--system", "x", "--labels", "a,b", "--max-tokens", "5", "--temperature", "0"];
    const more = ["--answer-retries", "1", "--rpm", "9"];
    const { code, stderr } = await folder.run("in.jsonl", "--output", "o", ...words, ...more);
    expect(stderr).toBe(
      "--prompt is missing, which --system, --labels, --max-tokens, --temperature, --answer-retries " +
        "go with; requests are sent as they are\n",
    );
    expect(code).toBe(2);
    expect(asked(from)).toEqual([]);
  });

  test("of OpenAI's batch become its result lines", async () => {
    const line = (id: string, more: object): string =>
      JSON.stringify({
        custom_id: id,
        method: "POST",
        url: "/v1/chat/completions",
        body: { model: "gpt-4o-mini", messages: [{ role: "user", content: id }], ...more },
      });
    answer = ({ body }) => (body.includes('"bad"') ? { status: 400 } : { text: "hi" });
    folder.file(
      "in.jsonl",
      `${line("one", {})}\n${line("bad", {})}\n${line("three", { stream: true })}`,
    );
    const { code } = await folder.run("in.jsonl", "--output", "o.jsonl");
    expect(code).toBe(1);
    const [one, bad, three] = folder.rows("o.jsonl") as {
      response: { status_code: number; body: { choices: unknown[] } } | null;
      error: { code: string } | null;
      custom_id: string;
    }[];
    expect(one?.custom_id).toBe("one");
    expect(one?.response?.status_code).toBe(200);
    expect(one?.response?.body.choices.length).toBe(1);
    expect(bad?.response?.status_code).toBe(400);
    expect(three).toMatchObject({ custom_id: "three", response: null, error: { code: "bad_row" } });
  });

  test("of Anthropic's batch become its result lines", async () => {
    answer = says("hi");
    const params = {
      model: "claude-haiku-4-5",
      max_tokens: 5,
      messages: [{ role: "user", content: "x" }],
    };
    folder.file("in.jsonl", JSON.stringify({ custom_id: "a", params }));
    expect((await folder.run("in.jsonl", "--output", "o.jsonl")).code).toBe(0);
    expect(folder.rows("o.jsonl")[0]).toMatchObject({
      custom_id: "a",
      result: { type: "succeeded", message: { type: "message" } },
    });
  });
});

describe("traces", () => {
  const jsonl = (count: number): string =>
    Array.from({ length: count }, (_, at) => `{"id":${at}}`).join("\n");

  test("of a small run are one, beneath the caller's span, whole and with the run's and the row's id", async () => {
    folder.remove();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    folder = batchFolder({
      provider: provider.url,
      receiver: receiver.url,
      env: { TRACEPARENT: traceparent },
    });
    answer = says("ok");
    folder.file("in.jsonl", jsonl(20));
    const { code, stderr } = await folder.run(
      "in.jsonl",
      "--output",
      "o.jsonl",
      ...model,
      "--prompt",
      "{{id}}",
    );
    expect(code).toBe(0);
    const spans = spansOf("0af7651916cd43dd8448eb211c80319c");
    expect(spans.length).toBe(1 + 20 * 3);
    expect(stderr).toContain("recorded 61   committed 61   lost 0");
    expect(stderr).toContain("receiver: exported 61   pending 0");
    const root = spans.find((span) => span.name === "batch_operation");
    expect(root?.parentSpanId).toBe("b7ad6b7169203331");
    const rows = spans.filter((span) => span.name === "batch_row");
    expect(rows.every((row) => row.parentSpanId === root?.spanId)).toBe(true);
    const chats = spans.filter((span) => span.name === "chat gpt-4o-mini");
    expect(
      chats.map((chat) => Number(chat.attributes["everyspan.batch.row"])).toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(new Set(spans.map((span) => span.attributes["everyspan.batch.run.id"])).size).toBe(1);
    const sum = (key: string): number =>
      chats.reduce((all, chat) => all + Number(chat.attributes[key]), 0);
    const out = folder.rows("o.jsonl");
    expect(sum("gen_ai.usage.input_tokens")).toBe(
      out.reduce((all, row) => all + Number(row["input_tokens"]), 0),
    );
    expect(sum("gen_ai.usage.cost")).toBeCloseTo(
      out.reduce((all, row) => all + Number(row["cost"]), 0),
      9,
    );
  });

  test("are one each with --trace row, linked to the run's span", async () => {
    answer = says("ok");
    folder.file("in.jsonl", jsonl(5));
    await folder.run(
      "in.jsonl",
      "--output",
      "o.jsonl",
      ...model,
      "--prompt",
      "{{id}}",
      "--trace",
      "row",
    );
    const ids = folder.rows("o.jsonl").map((row) => row["trace_id"]);
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) {
      const spans = spansOf(id);
      expect(spans.map((span) => span.name).toSorted()).toEqual([
        "POST",
        "batch_row",
        "chat gpt-4o-mini",
      ]);
    }
  });
});

describe("limits and the account", () => {
  test("errors are counted with an example, and --retry-failed sends only those again", async () => {
    answer = ({ body }) => (body.includes("bad") ? { status: 400 } : { text: "ok" });
    folder.file("in.jsonl", '{"t":"a"}\n{"t":"bad"}\n{"t":"c"}');
    const words = ["in.jsonl", "--output", "o.jsonl", ...model, "--prompt", "{{t}}"];
    const first = await folder.run(...words);
    expect(first.code).toBe(1);
    expect(first.stderr).toContain("1 × 400, such as line 2");
    answer = says("ok now");
    const from = provider.requests.length;
    expect((await folder.run(...words)).code).toBe(1);
    expect(asked(from).length).toBe(0);
    expect((await folder.run(...words, "--retry-failed")).code).toBe(0);
    expect(asked(from).length).toBe(1);
    expect(folder.rows("o.jsonl").map((row) => row["reply"])).toEqual(
      ["ok", "ok now", "ok"].map((text, at) => (at === 1 ? "ok now" : text)),
    );
  });

  test("--dry-run says what it would take and sends nothing; --max-cost stops in time", async () => {
    answer = () => ({ text: "ok", usage: { inputTokens: 1000, outputTokens: 1000 } });
    folder.file("in.jsonl", Array.from({ length: 100 }, (_, at) => `{"t":${at}}`).join("\n"));
    const words = ["in.jsonl", "--output", "o.jsonl", ...model, "--prompt", "{{t}}"];
    const from = provider.requests.length;
    const dry = await folder.run(...words, "--dry-run", "--rpm", "60");
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(
      /rows +100\n.*\ncost +about \$0\.0.*\ntime +1 min 40 s\nnothing was sent/,
    );
    expect(asked(from).length).toBe(0);
    // 0.00075 USD a row.
    const { code, stderr } = await folder.run(...words, "--max-cost", "0.01");
    expect(code).toBe(1);
    expect(stderr).toContain("--max-cost 0.01 is reached");
    expect(asked(from).length).toBeGreaterThanOrEqual(10);
    expect(asked(from).length).toBeLessThanOrEqual(13);
    const strange = words.map((word) => word.replace("gpt-4o-mini", "nobody-knows"));
    const unknown = await folder.run(...strange, "--max-cost", "1", "--restart");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("no price is known for nobody-knows");
  });

  test("a key that the provider does not take stops the run, not a million rows one by one", async () => {
    answer = () => ({ status: 401 });
    folder.file("in.jsonl", Array.from({ length: 2000 }, (_, at) => `{"t":${at}}`).join("\n"));
    const words = ["in.jsonl", "--output", "o.jsonl", ...model, "--prompt", "{{t}}"];
    const from = provider.requests.length;
    const { code, stderr } = await folder.run(...words);
    expect(code).toBe(1);
    expect(stderr).toContain("the provider answers 401 to every row");
    expect(asked(from).length).toBeLessThan(100);
    answer = says("ok");
    expect((await folder.run(...words, "--retry-failed")).code).toBe(0);
    expect(folder.rows("o.jsonl").length).toBe(2000);
  });

  test("a request for a model that is not configured is an error row, and the others go on", async () => {
    folder.remove();
    folder = batchFolder({
      provider: provider.url,
      config: { models: [{ name: "gpt-4o-mini", provider: "openai" }] },
    });
    answer = says("ok");
    const line = (id: string, name: string): string =>
      JSON.stringify({
        custom_id: id,
        url: "/v1/chat/completions",
        body: { model: name, messages: [{ role: "user", content: id }] },
      });
    folder.file("in.jsonl", `${line("a", "gpt-4o-mini")}\n${line("b", "nobody")}`);
    const { code } = await folder.run("in.jsonl", "--output", "o.jsonl");
    expect(code).toBe(1);
    const [a, b] = folder.rows("o.jsonl");
    expect(a).toMatchObject({ custom_id: "a", error: null });
    expect(b).toMatchObject({ custom_id: "b", response: null, error: { code: "model_not_found" } });
  });

  test("a sample is the first rows, or seeded ones that are the same each time", async () => {
    answer = says("ok");
    folder.file("in.jsonl", Array.from({ length: 200 }, (_, at) => `{"t":${at}}`).join("\n"));
    const words = ["in.jsonl", ...model, "--prompt", "{{t}}", "--sample", "10"];
    const ids = (name: string): unknown[] => folder.rows(name).map((row) => row["t"]);
    await folder.run(...words, "--output", "first.jsonl");
    expect(ids("first.jsonl")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await folder.run(...words, "--output", "a.jsonl", "--seed", "7");
    await folder.run(...words, "--output", "b.jsonl", "--seed", "7");
    expect(ids("a.jsonl")).toEqual(ids("b.jsonl"));
    expect(ids("a.jsonl")).not.toEqual(ids("first.jsonl"));
    expect(ids("a.jsonl").length).toBe(10);
  });

  // What a busy machine holds up looks to it like the provider's doing: the unit test, in its own time, has the 2 %.
  test("reaches 0.9 of a provider's rate with few refused", async () => {
    const bucket = startBucketProvider({ perSecond: 150, burst: 150, delayMs: 80 });
    folder.remove();
    folder = batchFolder({ provider: bucket.url });
    folder.file("in.jsonl", Array.from({ length: 2500 }, (_, at) => `{"t":${at}}`).join("\n"));
    const { code } = await folder.run(
      "in.jsonl",
      "--output",
      "o.jsonl",
      ...model,
      "--prompt",
      "{{t}}",
    );
    bucket.stop();
    expect(code).toBe(0);
    expect(folder.rows("o.jsonl").length).toBe(2500);
    expect(bucket.rate() / 150).toBeGreaterThanOrEqual(0.9);
    expect(bucket.refused() / 2500).toBeLessThan(0.06);
  }, 60_000);
});

test("memory does not grow with the rows", async () => {
  const rows = process.env["EVERYSPAN_LONG"] === "1" ? 200_000 : 12_000;
  const quiet = startScriptedProvider({ record: false });
  const place = batchFolder({ provider: quiet.url });
  const lines = Array.from({ length: rows }, (_, at) => `{"t":"row ${at} ${"x".repeat(200)}"}`);
  place.file("in.jsonl", lines.join("\n"));
  const words = ["in.jsonl", "--output", "o.jsonl.gz", ...model, "--prompt", "{{t}}"];
  const running = place.start(...words, "--concurrency", "64");
  let mostMegabytes = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
      const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
      mostMegabytes = Math.max(mostMegabytes, kilobytes / 1000);
    } catch {
      clearInterval(look); // the process has ended, or there is no /proc here
    }
  }, 100);
  const { code, stderr } = await running.done;
  clearInterval(look);
  const text = gunzipSync(readFileSync(join(place.path, "o.jsonl.gz"))).toString();
  place.remove();
  quiet.stop();
  expect(stderr).toContain(`ok ${rows}   failed 0   skipped 0`);
  expect(code).toBe(0);
  expect(text.trimEnd().split("\n").length).toBe(rows);
  expect(mostMegabytes).toBeLessThan(500);
}, 180_000);
