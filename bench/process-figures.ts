// Bench: what the system says of a process. Linux only; elsewhere memory and CPU are not reported.

import { readdirSync, readFileSync } from "node:fs";

/** Resident memory in MB (10^6 bytes); NaN where it cannot be read. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? Number.NaN : (Number(kilobytes) * 1024) / 1e6;
}

/** CPU seconds so far of each thread, by thread name; threads of one name are numbered. */
export function threadSeconds(pid: number): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const thread of threadIds(pid)) {
    const text = readText(`/proc/${pid}/task/${thread}/stat`);
    const close = text.lastIndexOf(")");
    if (close < 0) continue;
    const fields = text.slice(close + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    const name = `${text.slice(text.indexOf("(") + 1, close)} ${thread}`;
    seconds.set(name, ticks / ticksPerSecond);
  }
  return seconds;
}

/**
 * CPU seconds so far of everyspan's exporter thread: the ledger and the export. It is the first thread that
 * everyspan starts, and so the lowest number of its name. Compression and the sending itself are other threads'.
 */
export function exporterSeconds(threads: ReadonlyMap<string, number>): number {
  const workers = [...threads.keys()].filter((name) => name.startsWith("Worker "));
  const numberOf = (name: string): number => Number(name.slice("Worker ".length));
  const [first] = workers.toSorted((left, right) => numberOf(left) - numberOf(right));
  return first === undefined ? Number.NaN : (threads.get(first) ?? Number.NaN);
}

/** CPU seconds so far of the whole process. */
export function processSeconds(pid: number): number {
  const text = readText(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** What Linux has on every platform that Bun runs on. */
const ticksPerSecond = 100;

function threadIds(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // no /proc here, or the process is gone
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // as above: the figure is then not a number
  }
}
