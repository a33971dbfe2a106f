// Bench row: a batch of rows beside a bare loop of fetches with as many at once, and the openai client of Python.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { Bench, Figure, Row } from "../bench-context.ts";
import { gatewayCommand } from "../gateway-under-test.ts";
import { residentMegabytes } from "../process-figures.ts";

const rowsUsual = 100_000;
const atOnce = 128;
/** Python takes so long that fewer rows have to do. */
const pythonRows = 5000;
/** A Python that has the openai package, where that is not the one on PATH. */
const pythonVariable = "BENCH_PYTHON";
const lookEveryMs = 100;

export const batch: Row = {
  name: "batch",
  about: `rows a second of a batch, ${atOnce} at once, beside a bare loop of fetches`,
  byDefault: true,
  async run(bench) {
    const folder = mkdtempSync(join(tmpdir(), "everyspan-bench-"));
    try {
      return await measure(bench, folder, bench.amount ?? rowsUsual);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(bench: Bench, folder: string, rows: number): Promise<Figure[]> {
  const port = bench.provider.port;
  writeRows(join(folder, "in.jsonl"), rows);
  writeRows(join(folder, "few.jsonl"), pythonRows);
  const config = {
    providers: { openai: { api: "openai", base_url: `http://127.0.0.1:${port}/v1`, api_key: "b" } },
    tracing: {
      destinations: [
        { name: "bench", endpoint: `http://127.0.0.1:${bench.receiver.port}/v1/traces` },
      ],
    },
  };
  writeFileSync(join(folder, "everyspan.yaml"), JSON.stringify(config));
  const bare = rows / (await bareLoop(bench, folder));
  const { seconds, megabytes } = await everyspanBatch(bench, folder);
  const own = rows / seconds;
  const python = await pythonRate(bench, folder);
  return [
    {
      figure: "batch rows/s ÷ bare fetch loop rows/s",
      value: `${(own / bare).toFixed(2)} (${own.toFixed(0)} / ${bare.toFixed(0)})`,
      floor: "0.5",
    },
    {
      figure: "batch rows/s ÷ Python openai client rows/s",
      value:
        python === undefined
          ? `skipped: no Python with the openai package (${pythonVariable} names one)`
          : `${(own / python).toFixed(1)} (${own.toFixed(0)} / ${python.toFixed(0)})`,
      floor: "5",
    },
    {
      figure: `batch resident memory at ${rows} rows, MB`,
      value: megabytes.toFixed(0),
      floor: "300",
    },
  ];
}

function writeRows(path: string, rows: number): void {
  const lines = Array.from({ length: rows }, (_, at) =>
    JSON.stringify({ id: at, text: `Message ${at}: the export is empty since this morning.` }),
  );
  writeFileSync(path, `${lines.join("\n")}\n`);
}

async function bareLoop({ children, provider }: Bench, folder: string): Promise<number> {
  const file = resolve(import.meta.dir, "../bare-loop-process.ts");
  const files = [join(folder, "in.jsonl"), join(folder, "bare.jsonl")];
  const child = Bun.spawn([process.execPath, file, `${provider.port}`, ...files, `${atOnce}`], {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
    stdout: "pipe",
    stderr: "inherit",
  });
  children.add(child);
  return Number(await new Response(child.stdout).text());
}

async function everyspanBatch(
  { children }: Bench,
  folder: string,
): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  const words = ["in.jsonl", "--output", "out.jsonl", "--model", "plain", "--prompt", "{{text}}"];
  const child = Bun.spawn(
    [...gatewayCommand().argv, "batch", ...words, "--concurrency", `${atOnce}`],
    { cwd: folder, stdout: "ignore", stderr: "pipe" },
  );
  children.add(child);
  const sizes: number[] = [];
  const look = setInterval(() => sizes.push(residentMegabytes(child.pid)), lookEveryMs);
  const told = await new Response(child.stderr).text();
  await child.exited;
  clearInterval(look);
  if (child.exitCode !== 0) throw new Error(`the batch ended with ${child.exitCode}: ${told}`);
  // Its own time, without the export of the last spans, as the bare loop has none.
  const [, amount = "", unit = ""] = /time +(.+?) (ms|s|min [\d.]+ s) /.exec(told) ?? [];
  const minutes = /min ([\d.]+) s/.exec(unit)?.[1];
  const seconds =
    minutes === undefined
      ? Number(amount) / (unit === "ms" ? 1000 : 1)
      : Number(amount) * 60 + Number(minutes);
  return { seconds, megabytes: Math.max(...sizes.filter((size) => !Number.isNaN(size))) };
}

/** Undefined where there is no Python with the package. */
async function pythonRate(
  { children, provider }: Bench,
  folder: string,
): Promise<number | undefined> {
  const script = resolve(import.meta.dir, "../openai-batch.py");
  const files = [join(folder, "few.jsonl"), join(folder, "python.jsonl")];
  try {
    const words = [
      process.env[pythonVariable] ?? "python3",
      script,
      `${provider.port}`,
      ...files,
      `${atOnce}`,
    ];
    const child = Bun.spawn(words, { stdout: "pipe", stderr: "ignore" });
    children.add(child);
    const seconds = Number(await new Response(child.stdout).text());
    return (await child.exited) === 0 && seconds > 0 ? pythonRows / seconds : undefined;
  } catch {
    return undefined; // no Python at all
  }
}
