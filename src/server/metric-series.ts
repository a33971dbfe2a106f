// Counters and histograms with labels, in the Prometheus text format (version 0.0.4). Labels are formatted
// once, when a series is first asked for: what happens per call is an addition. Bounded: past a number of
// label sets the rest goes into one, so that made-up model names cannot grow memory.

export type Labels = Readonly<Record<string, string>>;

export interface MetricSeries {
  readonly text: () => string;
}

/** One label set of a counter. */
export interface CounterCell {
  value: number;
}

/** One label set of a histogram. */
export interface HistogramCell {
  readonly observe: (value: number) => void;
}

export interface Counter extends MetricSeries {
  readonly of: (labels: Labels) => CounterCell;
}

export interface Histogram extends MetricSeries {
  readonly of: (labels: Labels) => HistogramCell;
}

export const labelSetsMax = 500;
const overflow = '{overflow="true"}';

export function createCounter(name: string, help: string): Counter {
  const cells = new Map<string, CounterCell>();
  return {
    of: (labels) => cellOf(cells, labels, () => ({ value: 0 })),
    text() {
      let text = header(name, help, "counter");
      for (const [labels, { value }] of cells) text += `${name}${labels} ${value}\n`;
      return text;
    },
  };
}

interface Buckets extends HistogramCell {
  readonly counts: number[];
  sum: number;
  count: number;
}

export function createHistogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const cells = new Map<string, Buckets>();
  return {
    of: (labels) => cellOf(cells, labels, () => createBuckets(bounds)),
    text() {
      let text = header(name, help, "histogram");
      for (const [labels, { counts, sum, count }] of cells) {
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

function createBuckets(bounds: readonly number[]): Buckets {
  const buckets: Buckets = {
    counts: bounds.map(() => 0),
    sum: 0,
    count: 0,
    observe(value) {
      buckets.sum += value;
      buckets.count++;
      for (let at = 0; at < bounds.length; at++) {
        if (value > (bounds[at] ?? 0)) continue;
        buckets.counts[at] = (buckets.counts[at] ?? 0) + 1;
        return;
      }
    },
  };
  return buckets;
}

function cellOf<Cell>(cells: Map<string, Cell>, labels: Labels, create: () => Cell): Cell {
  const formatted = formatLabels(labels);
  const key = cells.has(formatted) || cells.size < labelSetsMax ? formatted : overflow;
  let cell = cells.get(key);
  if (cell === undefined) {
    cell = create();
    cells.set(key, cell);
  }
  return cell;
}

function header(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
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
