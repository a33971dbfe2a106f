// Tests: what a process holds, from /proc: memory and open descriptors. Linux only.

import { readFileSync, readdirSync } from "node:fs";

export const hasProcessResources: boolean = process.platform === "linux";

/** Resident memory in MiB: now, and at its highest. */
export function residentMiB(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return { now: kib("VmRSS") / 1024, peak: kib("VmHWM") / 1024 };
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
