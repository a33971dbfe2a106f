// Counters and histograms with labels, in the Prometheus text format (version 0.0.4). Bounded: past a number
// of label sets the rest goes into one, so that made-up model names cannot grow memory.

export type Labels = Readonly<Record<string, string>>;

export interface MetricSeries {
  readonly text: () => string;
}

export interface Counter extends MetricSeries {
  readonly add: (amount: number, labels: Labels) => void;
}

export interface Histogram extends MetricSeries {
  readonly observe: (value: number, labels: Labels) => void;
}

const labelSetsMax = 500;
const overflow = '{overflow="true"}';

export function createCounter(name: string, help: string): Counter {
  const values = new Map<string, number>();
  return {
    add(amount, labels) {
      const key = bounded(values, labels);
      values.set(key, (values.get(key) ?? 0) + amount);
    },
    text() {
      let text = header(name, help, "counter");
      for (const [labels, value] of values) text += `${name}${labels} ${value}\n`;
      return text;
    },
  };
}

export function createHistogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const series = new Map<string, { counts: number[]; sum: number; count: number }>();
  return {
    observe(value, labels) {
      const key = bounded(series, labels);
      let entry = series.get(key);
      if (entry === undefined) {
        entry = { counts: bounds.map(() => 0), sum: 0, count: 0 };
        series.set(key, entry);
      }
      entry.sum += value;
      entry.count++;
      const at = bounds.findIndex((bound) => value <= bound);
      if (at >= 0) entry.counts[at] = (entry.counts[at] ?? 0) + 1;
    },
    text() {
      let text = header(name, help, "histogram");
      for (const [labels, { counts, sum, count }] of series) {
        let below = 0;
        for (const [index, bound] of bounds.entries()) {
          below += counts[index] ?? 0;
          text += `${name}_bucket${withLabel(labels, "le", String(bound))} ${below}\n`;
        }
        text += `${name}_bucket${withLabel(labels, "le", "+Inf")} ${count}\n`;
        text += `${name}_sum${labels} ${sum}\n${name}_count${labels} ${count}\n`;
      }
      return text;
    },
  };
}

/** One sample of a gauge or counter whose value is known when asked. */
export function sample(
  name: string,
  {
    help,
    type,
    values,
  }: {
    readonly help: string;
    readonly type: "counter" | "gauge";
    readonly values: readonly (readonly [Labels, number])[];
  },
): string {
  let text = header(name, help, type);
  for (const [labels, value] of values) text += `${name}${formatLabels(labels)} ${value}\n`;
  return text;
}

function header(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function bounded(series: ReadonlyMap<string, unknown>, labels: Labels): string {
  const key = formatLabels(labels);
  return series.has(key) || series.size < labelSetsMax ? key : overflow;
}

/** Dots become underscores, as Prometheus' names want it. */
function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name.replaceAll(".", "_")}="${escapeLabel(value)}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function withLabel(labels: string, name: string, value: string): string {
  return labels === "" ? `{${name}="${value}"}` : `${labels.slice(0, -1)},${name}="${value}"}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
