// Bench: how a run is described, printed and written down.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { resolve } from "node:path";

import packageJson from "../package.json";
import type { Bench, Figure } from "./bench-context.ts";
import { gatewayCommand } from "./gateway-under-test.ts";

/** The machine, the versions and the commit, one line each. */
export function describeRun(bench: Bench): string[] {
  const [cpu] = cpus();
  return [
    `everyspan ${packageJson.version} (${commit()}), ${gatewayCommand().label}`,
    `Bun ${Bun.version}, ${type()} ${release()}, ${process.arch}`,
    `${cpus().length} × ${cpu?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, shared by load generator, provider, receiver and gateway; load average ${loadavg()[0]?.toFixed(1)} before the run`,
    `${new Date().toISOString()}, ${bench.rounds} rounds of ${bench.roundMs / 1000} s, interleaved; median (smallest–largest)`,
  ];
}

export function printFigures(figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ figure }) => figure.length)) + 2;
  for (const { figure, value, floor, aim, peer } of figures) {
    const marks = Object.entries({ floor, aim, "best peer": peer });
    const known = marks.filter(([, mark]) => mark !== undefined && mark !== "-");
    const against = known.map(([name, mark]) => `${name} ${mark}`).join(", ");
    console.log(`  ${figure.padEnd(width)}${value}   ${against}`.trimEnd());
  }
}

/** Writes bench/RESULTS.md, over whatever was there. */
export async function writeResults(
  heading: readonly string[],
  figures: readonly Figure[],
  notes: readonly string[],
): Promise<void> {
  const lines = [
    "# Last figures",
    "",
    "Written by `bun run bench`. Ratios are against the pass-through of the same run; how it is measured",
    "is in [README.md](README.md).",
    "",
    ...heading.map((line) => `- ${line}`),
    `- load average ${loadavg()[0]?.toFixed(1)} after the run; above 3, others were at work on the machine: run it again`,
    "",
    "| figure | everyspan | best peer | floor | aim |",
    "|---|---|---|---|---|",
    ...figures.map(
      ({ figure, value, peer = "", floor = "", aim = "" }) =>
        `| ${figure} | ${value} | ${peer} | ${floor} | ${aim} |`,
    ),
    "",
    ...notes.map((note) => `- ${note}`),
    "",
  ];
  writeFileSync(resolve(import.meta.dir, "RESULTS.md"), lines.join("\n"));
}

function commit(): string {
  const git = (...rest: string[]): string =>
    execFileSync("git", rest, { cwd: import.meta.dir, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "../src", "../bun.lock") !== "";
    return `${git("rev-parse", "--short", "HEAD")}${changed ? ", with changes in src" : ""}`;
  } catch {
    return "no git checkout";
  }
}
