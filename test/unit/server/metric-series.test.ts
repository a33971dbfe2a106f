import { describe, expect, test } from "bun:test";
import {
  createCounter,
  createHistogram,
  labelSetsMax,
  sample,
} from "../../../src/server/metric-series.ts";

const samples = (text: string): string[] =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("a counter", () => {
  test("is written in Prometheus' format, a header even before the first sample", () => {
    const counter = createCounter("calls_total", "Calls.");
    const header = "# HELP calls_total Calls.\n# TYPE calls_total counter\n";
    expect(counter.text()).toBe(header);
    counter.of({}).value += 2;
    counter.of({ "http.route": "/v1/*" }).value++;
    expect(counter.text()).toBe(`${header}calls_total 2\ncalls_total{http_route="/v1/*"} 1\n`);
  });

  test("has one cell for a set of labels, whoever asks for it", () => {
    const counter = createCounter("c", "C.");
    counter.of({ a: "1" }).value++;
    counter.of({ a: "1" }).value++;
    counter.of({ a: "2" }).value++;
    expect(samples(counter.text())).toEqual(['c{a="1"} 2', 'c{a="2"} 1']);
  });

  test("cannot be led into a second line or a second label by a value", () => {
    const counter = createCounter("c", "C.");
    counter.of({ model: 'm"} 1\nfake{x="\\' }).value = 3;
    expect(samples(counter.text())).toEqual([String.raw`c{model="m\"} 1\nfake{x=\"\\"} 3`]);
  });

  test("is bounded in its label sets: the rest is counted together, nothing is dropped", () => {
    const counter = createCounter("c", "C.");
    const made = labelSetsMax + 100;
    for (let model = 0; model < made; model++) counter.of({ model: String(model) }).value++;
    counter.of({ model: "0" }).value++; // a known one stays itself
    const lines = samples(counter.text());
    expect(lines).toHaveLength(labelSetsMax + 1);
    expect(lines[0]).toBe('c{model="0"} 2');
    expect(lines.at(-1)).toBe('c{overflow="true"} 100');
  });
});

describe("a histogram", () => {
  test("counts a value in its own bucket and all above it; the bound itself is inside", () => {
    const histogram = createHistogram("h", "H.", [1, 2]);
    for (const value of [0, 1, 1.5, 2, 3]) histogram.of({ r: "x" }).observe(value);
    expect(samples(histogram.text())).toEqual([
      'h_bucket{r="x",le="1"} 2',
      'h_bucket{r="x",le="2"} 4',
      'h_bucket{r="x",le="+Inf"} 5',
      'h_sum{r="x"} 7.5',
      'h_count{r="x"} 5',
    ]);
  });

  test("without labels has only its bounds for labels", () => {
    const histogram = createHistogram("h", "H.", [1]);
    histogram.of({}).observe(5);
    expect(samples(histogram.text())).toEqual([
      'h_bucket{le="1"} 0',
      'h_bucket{le="+Inf"} 1',
      "h_sum 5",
      "h_count 1",
    ]);
  });

  test("is bounded as a counter is", () => {
    const histogram = createHistogram("h", "H.", [1]);
    for (let model = 0; model < labelSetsMax + 5; model++) {
      histogram.of({ model: String(model) }).observe(0.5);
    }
    expect(samples(histogram.text())).toHaveLength((labelSetsMax + 1) * 4);
    expect(samples(histogram.text()).at(-1)).toBe('h_count{overflow="true"} 5');
  });
});

test("a figure known when asked is one sample for each set of labels, or none", () => {
  const gauge = { help: "G.", type: "gauge" } as const;
  expect(sample("g", { ...gauge, values: [] })).toBe("# HELP g G.\n# TYPE g gauge\n");
  const values = [
    [{}, 1],
    [{ a: "b" }, 2],
  ] as const;
  expect(samples(sample("g", { ...gauge, values }))).toEqual(["g 1", 'g{a="b"} 2']);
});
