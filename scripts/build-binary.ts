// Compiles everyspan into one file: `bun run build` for this machine, `bun run build:all` for all.
// Every thread's file is an entry point of its own. A path that is missing in the binary would fall back
// to the disk of the build machine and work there only, so each is looked for in what was built.

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { embeddedPath, threadSources } from "../src/entrypoints.ts";
import { fetchRuntime } from "./binary-runtime.ts";
import { type BinaryTarget, binaryTargets, runtimeVersion } from "./binary-targets.ts";
import { piscinaWorkerPlugin } from "./piscina-worker-plugin.ts";

const repository = resolve(import.meta.dir, "..");
const piscinaWorker = "scripts/piscina-worker.ts";
const embeddedEntries: readonly string[] = [...Object.values(threadSources), piscinaWorker];

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    outdir: { type: "string", default: join(repository, "dist") },
  },
});
if (Bun.version !== runtimeVersion) {
  throw new Error(`everyspan is built with Bun ${runtimeVersion}, this is ${Bun.version}`);
}
await mkdir(values.outdir, { recursive: true });
if (values.all) await buildAll(values.outdir);
else await compile(join(values.outdir, executableName("everyspan", process.platform)));

async function buildAll(outdir: string): Promise<void> {
  const sums: string[] = [];
  for (const target of binaryTargets) {
    const outfile = join(outdir, executableName(`everyspan-${target.name}`, target.platform));
    await compile(outfile, target);
    const digest = createHash("sha256")
      .update(await readFile(outfile))
      .digest("hex");
    sums.push(`${digest}  ${basename(outfile)}\n`);
  }
  await writeFile(join(outdir, "SHA256SUMS"), sums.join(""));
}

/** Builds one binary. Without a target: for this machine, with the Bun that runs this script. */
async function compile(outfile: string, target?: BinaryTarget): Promise<void> {
  const startedAt = performance.now();
  const platform = target?.platform ?? process.platform;
  await rm(outfile, { force: true });
  await Bun.build({
    entrypoints: ["src/main.ts", ...embeddedEntries].map((entry) => join(repository, entry)),
    root: repository,
    target: "bun",
    // Parsing the bundle on every thread is most of the start: 140 ms to ready without, 56 ms with.
    bytecode: true,
    format: "esm",
    // Native and optional: a native addon would be unpacked to the temporary folder at each launch.
    external: ["@napi-rs/nice"],
    // Short identifiers break Elysia, which compiles handlers from their source text.
    minify: { whitespace: true, syntax: true, identifiers: false },
    define: { "process.env.NODE_ENV": '"production"' },
    compile: {
      outfile,
      // The folder a user starts in is not trusted to configure the runtime.
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target && { target: target.bunTarget, executablePath: await fetchRuntime(target) }),
    },
    plugins: [piscinaWorkerPlugin(embeddedPath(piscinaWorker, platform))],
  });
  await assertEntriesEmbedded(outfile, platform);
  const { size } = await stat(outfile);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${outfile}  ${(size / 2 ** 20).toFixed(0)} MiB  ${seconds} s`);
}

async function assertEntriesEmbedded(outfile: string, platform: NodeJS.Platform): Promise<void> {
  const bytes = await readFile(outfile);
  for (const entry of embeddedEntries) {
    // The runtime's table of files ends each name with a zero byte; a mere mention has none.
    const name = Buffer.from(`${embeddedPath(entry, platform)}\0`);
    if (!bytes.includes(name)) throw new Error(`${outfile} does not contain ${entry}`);
  }
}

function executableName(name: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? `${name}.exe` : name;
}
