// The options of `everyspan batch`, checked one by one. Pure. Each problem is a line that says what is allowed.

export interface BatchOptions {
  readonly concurrency: number | undefined;
  readonly callsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
  readonly maxCost: number | undefined;
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly sample: number | undefined;
  readonly seed: number | undefined;
  readonly answerRetries: number;
  readonly labels: readonly string[] | undefined;
  readonly delimiter: string | undefined;
  readonly tracePerRow: boolean;
}

/** As the command line has them. */
export type GivenOptions = Readonly<Record<string, string | boolean | undefined>>;

export type ReadOptions =
  | { readonly ok: true; readonly options: BatchOptions }
  | { readonly ok: false; readonly problems: readonly string[] };

const concurrencyMax = 10_000;
const answerRetriesUsual = 2;
const delimiterNames: Readonly<Record<string, string>> = { tab: "\t", "\\t": "\t", comma: "," };

export function readOptions(given: GivenOptions): ReadOptions {
  const problems: string[] = [];
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === "string" ? value : undefined;
  };
  const number = (name: string, kind: "whole" | "any", least: number): number | undefined => {
    const written = text(name);
    if (written === undefined) return undefined;
    const value = Number(written);
    const isRight = kind === "whole" ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (written.trim() !== "" && isRight && value >= least) return value;
    const what = kind === "whole" ? "a whole number" : "a number";
    problems.push(`--${name}: ${JSON.stringify(written)} is not ${what} from ${least}`);
    return undefined;
  };
  const concurrency =
    text("concurrency") === "auto" ? undefined : number("concurrency", "whole", 1);
  if (concurrency !== undefined && concurrency > concurrencyMax) {
    problems.push(`--concurrency: at most ${concurrencyMax}, or auto`);
  }
  const trace = text("trace");
  if (trace !== undefined && trace !== "row" && trace !== "run") {
    problems.push(`--trace: ${JSON.stringify(trace)} is neither run nor row`);
  }
  const labels = labelList(text("labels"));
  if (labels !== undefined && new Set(labels).size < 2) {
    problems.push("--labels: at least two different ones, with commas between");
  }
  if (labels !== undefined && text("schema") !== undefined) {
    problems.push("--labels stands beside --schema; give one of them");
  }
  if (given["retry-failed"] === true && given["restart"] === true) {
    problems.push(
      "--retry-failed stands beside --restart, which forgets what failed; give one of them",
    );
  }
  const written = text("delimiter");
  const delimiter = written === undefined ? undefined : (delimiterNames[written] ?? written);
  if (delimiter !== undefined && (delimiter.length !== 1 || /["\r\n]/.test(delimiter))) {
    problems.push("--delimiter: one character, or tab");
  }
  const options: BatchOptions = {
    concurrency,
    callsPerMinute: number("rpm", "any", 0.001),
    tokensPerMinute: number("tpm", "any", 1),
    maxCost: number("max-cost", "any", 0),
    maxTokens: number("max-tokens", "whole", 1),
    temperature: number("temperature", "any", 0),
    sample: number("sample", "whole", 1),
    seed: number("seed", "whole", 0),
    answerRetries: number("answer-retries", "whole", 0) ?? answerRetriesUsual,
    labels: labels === undefined ? undefined : [...new Set(labels)],
    delimiter,
    tracePerRow: trace === "row",
  };
  if (options.seed !== undefined && options.sample === undefined) {
    problems.push("--seed goes with --sample");
  }
  return problems.length === 0 ? { ok: true, options } : { ok: false, problems };
}

const labelItem = /\s*(?:"((?:[^"]|"")*)"|([^,]*?))\s*(?:,|$)/gy;

/** As fields of a CSV line are written: one that has a comma in it stands in quotes. */
function labelList(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const items = Array.from(text.matchAll(labelItem), ([, quoted, plain]) =>
    (quoted?.replaceAll('""', '"') ?? plain ?? "").trim(),
  );
  return items.filter((label) => label !== "");
}
