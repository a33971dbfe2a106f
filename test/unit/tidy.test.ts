// Walks the tree and holds it to the house style: what is a failing test needs no reviewer.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import packageJson from "../../package.json";
import { binaryTargets, runtimeVersion } from "../../scripts/binary-targets.ts";
import { threadSources } from "../../src/entrypoints.ts";

const repository = resolve(import.meta.dir, "../..");

function filesOf(pattern: string): string[] {
  const glob = new Bun.Glob(pattern);
  return [...glob.scanSync({ cwd: repository, dot: true })].map(slashes).toSorted();
}

function slashes(path: string): string {
  return path.replaceAll("\\", "/");
}

function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

/** `file:line: text` of every line that matches. */
function linesMatching(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    read(file)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line}`] : [])),
  );
}

const sources = filesOf("src/**/*.ts");
const scripts = filesOf("scripts/**/*.{ts,js}");
const tests = filesOf("test/**/*.ts");
const benches = filesOf("bench/**/*.ts");
const documents = [...filesOf("*.md"), ...filesOf("docs/**/*.md")];
const code = [...sources, ...scripts, ...tests, ...benches];

describe("source files", () => {
  test("open with a comment that says what they are for", () => {
    const files = [...sources, ...scripts, ...benches];
    const without = files.filter((file) => !/^(?:#!.*\n)?(?:\/\/ \S|\/\*\*)/.test(read(file)));
    expect(without).toEqual([]);
  });

  // A provider's folder is a checklist, so the same file of two providers has the same name.
  test("have names of their own across src", () => {
    const files = sources.filter((file) => !/^src\/workers\/providers\/[^/]+\//.test(file));
    const seen = Map.groupBy(files, (file) => basename(file));
    const shared = [...seen.values()].filter((group) => group.length > 1);
    expect(shared).toEqual([]);
  });

  test("hold no state of a module that could be written to", () => {
    const written =
      /^(?:export )?(?:let|var) |^(?:export )?const \w+.*= (?:\[\]|new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\))/;
    // An entry is run once by its thread: what it makes is that thread's own.
    const entries = new Set([...Object.values(threadSources), "src/main.ts"]);
    const modules = sources.filter((file) => !entries.has(file));
    expect(linesMatching(modules, written)).toEqual([]);
  });

  test("inherit from nothing but Error", () => {
    expect(linesMatching(sources, /\bclass \w+ extends (?!Error\b)/)).toEqual([]);
  });

  // Code is kept to 100 by the formatter, which leaves comments alone.
  test("keep comments within 120 columns", () => {
    expect(linesMatching(code, /^(?=.{121,}$)\s*(?:\/\/|\*|\/\*\*)(?!.*https?:\/\/)/)).toEqual([]);
  });

  test("leave nothing to be done without saying where it is tracked", () => {
    expect(linesMatching(code, /\b(?:TO[D]O|FI[X]ME|X[X]X|HA[C]K)\b/)).toEqual([]);
  });
});

describe("threads", () => {
  test("every file named as an entry is one that both the source and the binary start", () => {
    const entries = sources.filter((file) => file.endsWith("-entry.ts"));
    expect(entries).toEqual(Object.values(threadSources).toSorted());
  });

  test("are started by way of the entry points, never by a path written out", () => {
    const writtenOut = /new Worker\(\s*(?:["'`]|new URL)|filename:\s*(?:["'`]|new URL)/;
    expect(linesMatching(sources, writtenOut)).toEqual([]);
  });
});

describe("tests", () => {
  test("in test/unit sit where the file they test sits", () => {
    const ofTheTree = new Set(["test/unit/tidy.test.ts", "test/unit/lint-rules.test.ts"]);
    const lost = tests
      .filter((file) => file.startsWith("test/unit/") && file.endsWith(".test.ts"))
      .filter((file) => !ofTheTree.has(file))
      .filter((file) => {
        const tested = file.slice("test/unit/".length).replace(/\.test\.ts$/, ".ts");
        const roots = ["src", ".", "test"];
        return roots.every((root) => !existsSync(join(repository, root, tested)));
      });
    expect(lost).toEqual([]);
  });

  test("are all run", () => {
    expect(linesMatching(tests, /\b(?:test|it|describe)\.(?:only|skip|todo)\(/)).toEqual([]);
  });

  test("do not replace modules, which leaks into the files that run after", () => {
    expect(linesMatching(tests, /\bmock\.mod[u]le\(/)).toEqual([]);
  });
});

describe("the repository", () => {
  const texts = [...code, ...documents, ...filesOf(".github/**/*.yml"), ".ci/run", "package.json"];

  test("names no path of the machine it was written on", () => {
    const homes = /(?<![\w.-])\/(?:root|work|opt\/b|home\/\w+|Users\/\w+)\/(?!\*)/;
    expect(linesMatching(texts, homes).filter((line) => !line.includes("$bunfs"))).toEqual([]);
  });

  test("pins every dependency exactly, and locks it without a registry's address", () => {
    const versions = Object.values({ ...packageJson.dependencies, ...packageJson.devDependencies });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(linesMatching(["bun.lock"], /https?:\/\//)).toEqual([]);
  });

  test("speaks of one version of Bun", () => {
    expect(packageJson.engines.bun).toBe(runtimeVersion);
    const named = [...texts, ...filesOf("README.md")].flatMap((file) =>
      [...read(file).matchAll(/\bbun@(\d+\.\d+\.\d+)/g)].map((match) => match[1]),
    );
    expect(named.filter((version) => version !== runtimeVersion)).toEqual([]);
  });

  test("pins each target's runtime once", () => {
    for (const key of ["name", "bunTarget", "runtimePackage", "runtimeIntegrity"] as const) {
      expect(new Set(binaryTargets.map((target) => target[key])).size).toBe(binaryTargets.length);
    }
  });

  test("runs in workflows only what is pinned by hash, within a time, with no rights by default", () => {
    for (const file of filesOf(".github/workflows/*.yml")) {
      const workflow = Bun.YAML.parse(read(file)) as {
        permissions: unknown;
        jobs: Record<string, { "timeout-minutes"?: number; steps: { uses?: string }[] }>;
      };
      expect(workflow.permissions).toEqual({});
      for (const job of Object.values(workflow.jobs)) {
        expect(job["timeout-minutes"]).toBeGreaterThan(0);
        for (const { uses } of job.steps) expect(uses ?? "").toMatch(/^$|@[0-9a-f]{40}$/);
      }
    }
  });
});
