import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { readAdvisories } from "../../../scripts/audit.ts";

describe("readAdvisories", () => {
  test("lists what the registry knows of each package", () => {
    const json = JSON.stringify({
      "left-pad": [
        { id: 1, url: "https://advisories.example/1", title: "pads right", severity: "high" },
      ],
      other: [{}],
    });
    expect(readAdvisories(json)).toEqual([
      {
        package: "left-pad",
        severity: "high",
        title: "pads right",
        url: "https://advisories.example/1",
      },
      { package: "other", severity: "unknown", title: "", url: "" },
    ]);
  });

  test("says that all is well only when the registry said so", () => {
    expect(readAdvisories("{}")).toEqual([]);
    for (const nothing of ["", "error: no network", "null", "[]", "3", '{"error":"no"}']) {
      expect(readAdvisories(nothing)).toBeUndefined();
    }
  });
});

// The registry's part is played here: whether the real one can be asked depends on where this runs.
describe("an audit", () => {
  const repository = resolve(import.meta.dir, "../../..");
  const advisory = { id: 1, title: "does harm", severity: "high", vulnerable_versions: "<99.0.0" };
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "everyspan-audit-"));
    for (const file of ["package.json", "bun.lock"]) {
      copyFileSync(join(repository, file), join(folder, file));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function audit(answer: (asked: Readonly<Record<string, unknown>>) => Response) {
    const registry = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        expect(new URL(request.url).pathname).toBe("/-/npm/v1/security/advisories/bulk");
        const asked = gunzipSync(await request.bytes()).toString();
        return answer(JSON.parse(asked) as Record<string, unknown>);
      },
    });
    const child = Bun.spawn([process.execPath, join(repository, "scripts/audit.ts")], {
      cwd: folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: folder,
        NPM_CONFIG_REGISTRY: registry.url.href,
      },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [code, said, errors] = await Promise.all([
      child.exited,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await registry.stop(true);
    return { code, said, errors };
  }

  test("fails on a locked dependency that is vulnerable, and names it", async () => {
    const { code, said, errors } = await audit((asked) => {
      expect(asked["elysia"]).toBeArray();
      return Response.json({ elysia: [{ ...advisory, url: "https://advisories.example/1" }] });
    });
    expect(code).toBe(1);
    expect(errors).toContain("elysia: high: does harm https://advisories.example/1");
    expect(said).toContain("1 known vulnerabilities");
  });

  test("passes when there is none", async () => {
    const { code, said } = await audit(() => Response.json({}));
    expect({ code, said }).toEqual({ code: 0, said: "audit: 0 known vulnerabilities\n" });
  });

  test("that could not be done says so, and says of no registry where it is", async () => {
    const { code, said } = await audit(() => new Response("", { status: 405 }));
    expect(code).toBe(0);
    expect(said).toMatch(/NOT DONE.*\n.*405/);
    expect(said).not.toContain("127.0.0.1");
  });
});
