// The kinds of single values a configuration has. Pure; runs anywhere.
// Each says what is allowed; what was written is shown only where it cannot be a secret.

import * as v from "valibot";
import { formatDuration, parseDuration, timerMaxMs } from "./durations.ts";
import { nearestName } from "./nearest-name.ts";
import { formatSize, parseSize } from "./sizes.ts";

export type Schema<Output> = v.GenericSchema<unknown, Output>;

/** A value, or what is allowed instead; `show` when the written value may be repeated. */
export type Reading<Value> =
  | { readonly value: Value }
  | { readonly allowed: string; readonly show?: boolean };

/** A schema out of a function that reads one value. */
export function leaf<Value>(read: (written: unknown) => Reading<Value>): Schema<Value> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, Value>(({ dataset, addIssue, NEVER }) => {
      const reading = read(dataset.value);
      if ("value" in reading) return reading.value;
      const received = reading.show === true ? show(dataset.value) : "";
      addIssue({ message: reading.allowed, received });
      return NEVER;
    }),
  );
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** `30s` and the like, to milliseconds; bounded by what a timer can hold unless told otherwise. */
export function duration({ min = 0, max = timerMaxMs }: Range = {}): Schema<number> {
  const allowed = "must be a duration such as 500ms, 30s, 2m or 24h";
  return leaf((written) => {
    const value = typeof written === "string" ? parseDuration(written) : undefined;
    if (value === undefined) {
      if (written === 0 && min === 0) return { value: 0 };
      const bare = isBareNumber(written)
        ? `: add a unit, ${String(written)}s or ${String(written)}ms`
        : "";
      return { allowed: allowed + bare, show: true };
    }
    if (value >= min && value <= max) return { value };
    return { allowed: `must be from ${formatDuration(min)} to ${formatDuration(max)}`, show: true };
  });
}

/** `32MiB` and the like, to bytes. */
export function size({ min = 1, max = Number.MAX_SAFE_INTEGER }: Range = {}): Schema<number> {
  const allowed = "must be a size such as 512KiB, 32MiB, 2GiB or 1MB";
  return leaf((written) => {
    const value = typeof written === "string" ? parseSize(written) : undefined;
    if (value === undefined) {
      const bare = isBareNumber(written)
        ? `: add a unit, ${String(written)}MiB or ${String(written)}B`
        : "";
      return { allowed: allowed + bare, show: true };
    }
    if (value >= min && value <= max) return { value };
    const limit = value < min ? `at least ${formatSize(min)}` : `at most ${formatSize(max)}`;
    return { allowed: `must be ${limit}`, show: true };
  });
}

/** A whole number; text of digits counts, for that is what `${PORT}` gives. */
export function integer(min: number, max: number): Schema<number> {
  return leaf((written) => {
    const value = toNumber(written);
    if (Number.isSafeInteger(value) && value >= min && value <= max) return { value };
    return { allowed: `must be a whole number from ${min} to ${max}`, show: true };
  });
}

/** Any finite number in the range. */
export function decimal(min: number, max: number): Schema<number> {
  return leaf((written) => {
    const value = toNumber(written);
    if (value >= min && value <= max) return { value };
    return { allowed: `must be a number from ${min} to ${max}`, show: true };
  });
}

/** `true` or `false`, as text too, for that is what `${NAME}` gives. */
export function flag(): Schema<boolean> {
  return leaf((written) => {
    if (written === true || written === "true") return { value: true };
    if (written === false || written === "false") return { value: false };
    return { allowed: "must be true or false", show: true };
  });
}

export function oneOf<const Choice extends string>(choices: readonly Choice[]): Schema<Choice> {
  return leaf((written) => {
    const value = choices.find((choice) => choice === written);
    if (value !== undefined) return { value };
    const nearest = typeof written === "string" ? nearestName(written, choices) : undefined;
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return { allowed: `must be ${listed(choices)}${hint}`, show: true };
  });
}

function listed(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join("");
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1) ?? ""}`;
}

function toNumber(written: unknown): number {
  if (typeof written === "number") return written;
  if (typeof written === "string" && /^\d+(\.\d+)?$/.test(written)) return Number(written);
  return Number.NaN;
}

function isBareNumber(written: unknown): boolean {
  return Number.isFinite(toNumber(written));
}

function show(written: unknown): string {
  if (Array.isArray(written)) return "a list";
  if (typeof written === "object") return "a mapping";
  const text = String(JSON.stringify(written) ?? written);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
