import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkConfig, findProblems } from "../../../src/commands/check.ts";
import { loadConfig } from "../../../src/config/load.ts";

const repository = resolve(import.meta.dir, "../../..");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-check-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function check(path?: string, environment: Record<string, string> = {}) {
  return checkConfig({ path, environment, workingDirectory: folder, cores: 2 });
}

function moduleConfig(file: string): string {
  return write(
    `${file}.yaml`,
    `guardrails: [{ name: rules, type: module, modes: [pre_call], path: ./${file} }]`,
  );
}

describe("check", () => {
  test("prints the resolved configuration and exits 0", async () => {
    const outcome = await check();
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).toStartWith(
      "Configuration (no file: defaults and environment): good\n\nListens on\n  http://127.0.0.1:4000\n",
    );
    expect(outcome.stderr).toBe("");
  });

  test("prints every problem, one line each, and exits 2", async () => {
    const path = write("bad.yaml", "servr: {}\nserver: { prot: 1, port: x }\n");
    expect(await check(path)).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `\
Configuration (${path}): 3 problems
  servr: unknown key; did you mean server?
  server.port: must be a whole number from 0 to 65535 (got "x")
  server.prot: unknown key; did you mean port?
`,
    });
  });

  test("keeps warnings beside the result", async () => {
    const outcome = await check(undefined, { OTEL_TRACES_SAMPLER: "often" });
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stderr).toStartWith("warning: OTEL_TRACES_SAMPLER must be one of ");
  });
});

describe("a module guardrail", () => {
  test("that loads is good", async () => {
    write("good.ts", "export default { async check(): Promise<unknown> { return {}; } };");
    expect((await check(moduleConfig("good.ts"))).exitCode).toBe(0);
  });

  test.each([
    ["no-default.ts", "export const check = 1;", "has no check; it needs export default"],
    ["no-check.ts", "export default {};", "has no check; it needs export default"],
    ["throws.ts", 'throw new Error("no licence\\nmore");', "does not load (no licence)"],
    ["broken.ts", "export default {", "does not load ("],
  ])("that is %s is a problem", async (file, source, expected) => {
    write(file, source);
    const { exitCode, stderr } = await check(moduleConfig(file));
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`  guardrails[0].path: ${expected}`);
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
  });
});

test("a module that keeps its process alive does not keep the command", () => {
  write(
    "alive.ts",
    "setInterval(() => {}, 1000); export default { async check() { return {}; } };",
  );
  const main = join(repository, "src/main.ts");
  for (const words of [
    ["check", "--config", moduleConfig("alive.ts")],
    ["batch", write("in.csv", "text\nhello\n"), "--dry-run", "--config", moduleConfig("alive.ts")],
  ]) {
    const more =
      words[0] === "batch" ? ["--prompt", "{{text}}", "--model", "m", "--output", "o"] : [];
    const done = Bun.spawnSync([process.execPath, main, ...words, ...more], {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "" },
      timeout: 5000,
    });
    expect({ code: done.exitCode, err: done.stderr.toString() }).toEqual({ code: 0, err: "" });
  }
});

test("a module that is never done loading is a problem, not a wait for ever", async () => {
  write("never.ts", "export default await new Promise(() => {});");
  const loaded = loadConfig({
    path: moduleConfig("never.ts"),
    environment: {},
    workingDirectory: folder,
    cores: 2,
  });
  expect(await findProblems(loaded, 100)).toEqual([
    "guardrails[0].path: does not load (not done after 100ms)",
  ]);
});

test("the command writes both, and ends the process with the code", async () => {
  const run = async (path: string) => {
    const script = `
      import { runCommand } from "citty";
      import { check } from "./src/commands/check.ts";
      await runCommand(check, { rawArgs: ["--config", ${JSON.stringify(path)}] });
    `;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: repository,
      env: { PATH: process.env["PATH"] ?? "", SECRET: "sk-secret" },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { exitCode: await child.exited, stdout, stderr };
  };
  const good = write("good.yaml", 'providers: { openai: { api_key: "${SECRET}" } }');
  const outcome = await run(good);
  expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
  expect(outcome.stdout).toContain("openai  openai  https://api.openai.com/v1  key set;");
  expect(outcome.stdout).not.toContain("sk-secret");

  const bad = write("worse.yaml", 'providers: { openai: { retries: "${SECRET}" } }');
  const failed = await run(bad);
  expect(failed).toMatchObject({ exitCode: 2, stdout: "" });
  expect(failed.stderr).toContain('must be a whole number from 0 to 20 (got "${SECRET}")');
});
