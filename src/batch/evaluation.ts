// How good the labels are, beside a column that has the true ones. One per run; memory grows with the number of
// different labels only, and that is bounded.

export interface Evaluation {
  readonly add: (truth: string, label: string) => void;
  readonly result: () => EvaluationResult;
}

export interface EvaluationResult {
  readonly rows: number;
  readonly correct: number;
  readonly labels: readonly LabelScore[];
  /** Rows are true labels, columns given ones, both in the order of `labels`. */
  readonly confusion: readonly (readonly number[])[];
}

export interface LabelScore {
  readonly label: string;
  /** Undefined where nothing was given this label. */
  readonly precision: number | undefined;
  /** Undefined where no row truly has it. */
  readonly recall: number | undefined;
  readonly f1: number | undefined;
  readonly rows: number;
}

/** A column that is no label at all must not fill the memory. */
const labelsMax = 200;
const others = "(others)";

export function createEvaluation(): Evaluation {
  const counts = new Map<string, Map<string, number>>();
  /** Of the labels that have no name here, too. */
  const hits = new Map<string, number>();
  const names = new Set<string>();

  const nameOf = (label: string): string => {
    if (names.has(label)) return label;
    if (names.size >= labelsMax) return others;
    names.add(label);
    return label;
  };

  return {
    add(truth, label) {
      const [row, column] = [nameOf(truth), nameOf(label)];
      const given = counts.get(row) ?? new Map<string, number>();
      given.set(column, (given.get(column) ?? 0) + 1);
      counts.set(row, given);
      if (truth === label) hits.set(row, (hits.get(row) ?? 0) + 1);
    },
    result() {
      const hasOthers =
        [...counts.values()].some((given) => given.has(others)) || counts.has(others);
      const labels = [...names].toSorted().concat(hasOthers ? [others] : []);
      const confusion = labels.map((truth) =>
        labels.map((label) => counts.get(truth)?.get(label) ?? 0),
      );
      const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
      const scores = labels.map((label, at): LabelScore => {
        const hit = hits.get(label) ?? 0;
        const rows = sum(confusion[at] ?? []);
        const given = sum(confusion.map((row) => row[at] ?? 0));
        return {
          label,
          rows,
          precision: given === 0 ? undefined : hit / given,
          recall: rows === 0 ? undefined : hit / rows,
          f1: given + rows === 0 ? undefined : (2 * hit) / (given + rows),
        };
      });
      const correct = sum([...hits.values()]);
      return { rows: sum(scores.map(({ rows }) => rows)), correct, labels: scores, confusion };
    },
  };
}

export function evaluationText({ rows, correct, labels, confusion }: EvaluationResult): string {
  if (rows === 0) return "accuracy: no row has a label and a true one";
  const percent = (value: number | undefined): string =>
    (value === undefined ? "-" : value.toFixed(3)).padStart(10);
  const width = Math.max(5, ...labels.map(({ label }) => label.length));
  const lines = [
    `accuracy ${(correct / rows).toFixed(3)} (${correct} of ${rows})`,
    "",
    `${"".padEnd(width)} ${["precision", "recall", "f1", "rows"].map((head) => head.padStart(10)).join("")}`,
    ...labels.map(
      (score) =>
        `${score.label.padEnd(width)} ${percent(score.precision)}${percent(score.recall)}` +
        `${percent(score.f1)}${String(score.rows).padStart(10)}`,
    ),
  ];
  if (labels.length > 12) return lines.join("\n");
  const cell = Math.max(6, ...labels.map(({ label }) => label.length + 1));
  lines.push(
    "",
    `${"true \\ given".padEnd(Math.max(width, 12))}${labels.map(({ label }) => label.padStart(cell)).join("")}`,
  );
  for (const [at, { label }] of labels.entries()) {
    const cells = (confusion[at] ?? []).map((count) => String(count).padStart(cell)).join("");
    lines.push(`${label.padEnd(Math.max(width, 12))}${cells}`);
  }
  return lines.join("\n");
}
