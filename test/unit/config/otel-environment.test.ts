import { describe, expect, test } from "bun:test";
import { otelFragment, parsePairs } from "../../../src/config/otel-environment.ts";

const ignored = { tracing: {}, resource: {} };

test("nothing set says nothing", () => {
  expect(otelFragment({})).toEqual({ ...ignored, warnings: [] });
  const empty = {
    OTEL_SDK_DISABLED: "",
    OTEL_TRACES_SAMPLER: "",
    OTEL_BSP_SCHEDULE_DELAY: " ",
    OTEL_RESOURCE_ATTRIBUTES: "",
    OTEL_SERVICE_NAME: "",
  };
  expect(otelFragment(empty)).toEqual({ ...ignored, warnings: [] });
});

describe("OTEL_SDK_DISABLED", () => {
  test.each([
    ["true", { disabled: true }],
    ["TRUE", { disabled: true }],
    ["1", {}],
    ["yes", {}],
    ["false", {}],
  ])("=%s", (value, tracing) => {
    expect(otelFragment({ OTEL_SDK_DISABLED: value }).tracing).toEqual(tracing);
  });
});

describe("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", () => {
  const name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
  test.each(["span_only", "SPAN_AND_EVENT", "true", "True"])("=%s records content", (value) => {
    expect(otelFragment({ [name]: value }).tracing).toEqual({ capture_content: true });
  });

  test.each(["no_content", "false"])("=%s records none", (value) => {
    expect(otelFragment({ [name]: value })).toEqual({ ...ignored, warnings: [] });
  });

  test.each(["event_only", "yes"])("=%s is warned of, and records none", (value) => {
    const { tracing, warnings } = otelFragment({ [name]: value });
    expect(tracing).toEqual({});
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(name);
  });
});

describe("OTEL_TRACES_SAMPLER", () => {
  test("counts in any case, its argument where there is a ratio", () => {
    const of = (kind: string, ratio: string) =>
      otelFragment({ OTEL_TRACES_SAMPLER: kind, OTEL_TRACES_SAMPLER_ARG: ratio });
    expect(of("Always_Off", "0.1").tracing).toEqual({ sampler: { kind: "always_off" } });
    expect(of("traceidratio", "0.1").tracing).toEqual({
      sampler: { kind: "traceidratio", ratio: 0.1 },
    });
    expect(of("parentbased_traceidratio", "").tracing).toEqual({
      sampler: { kind: "parentbased_traceidratio" },
    });
  });

  test.each(["2", "-1", "half", "NaN"])("with a ratio of %s keeps the default ratio", (ratio) => {
    const { tracing, warnings } = otelFragment({
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: ratio,
    });
    expect(tracing).toEqual({ sampler: { kind: "traceidratio" } });
    expect(warnings).toEqual([
      "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; it is ignored",
    ]);
  });

  test("that is unknown is ignored", () => {
    const { tracing, warnings } = otelFragment({ OTEL_TRACES_SAMPLER: "jaeger_remote" });
    expect(tracing).toEqual({});
    expect(warnings).toHaveLength(1);
  });
});

test.each([
  ["0", "0ms"],
  ["00200", "200ms"],
  [" 5000 ", "5000ms"],
])("OTEL_BSP_SCHEDULE_DELAY=%p is %s", (value, delay) => {
  expect(otelFragment({ OTEL_BSP_SCHEDULE_DELAY: value })).toEqual({
    tracing: { export_delay: delay },
    resource: {},
    warnings: [],
  });
});

test.each(["-1", "5s", "1e3", "99999999999"])("OTEL_BSP_SCHEDULE_DELAY=%s is ignored", (value) => {
  const { tracing, warnings } = otelFragment({ OTEL_BSP_SCHEDULE_DELAY: value });
  expect(tracing).toEqual({});
  expect(warnings).toHaveLength(1);
});

describe("OTEL_RESOURCE_ATTRIBUTES", () => {
  const resourceOf = (attributes: string, service?: string) =>
    otelFragment({ OTEL_RESOURCE_ATTRIBUTES: attributes, OTEL_SERVICE_NAME: service });

  test("is decoded, and the service's own variable wins", () => {
    expect(resourceOf("a=1, b = x%2Cy=z ,service.name=old", "new").resource).toEqual({
      a: "1",
      b: "x,y=z",
      "service.name": "new",
    });
  });

  test("an attribute without a value is absent, as a variable of a variable may be empty", () => {
    expect(resourceOf("a=,b=1,service.name=%20")).toMatchObject({
      resource: { b: "1" },
      warnings: [],
    });
    expect(Object.keys(resourceOf("a=,b=1,service.name= ").resource)).toEqual(["b"]);
  });

  test("a service's name that is no line of text is ignored", () => {
    const { resource, warnings } = resourceOf("a=1", "x\ty");
    expect(resource).toEqual({ a: "1" });
    expect(warnings).toEqual(["OTEL_SERVICE_NAME must be text on one line; it is ignored"]);
  });

  test.each(["a=1,b", "a=%zz", "=1,a=2", "a=1,b=%0A"])("%s is discarded whole", (attributes) => {
    const { resource, warnings } = resourceOf(attributes, "mine");
    expect(resource).toEqual({ "service.name": "mine" });
    expect(warnings).toHaveLength(1);
  });
});

test("what is not read is said, where it would change anything", () => {
  const warningsOf = (environment: Record<string, string>) => otelFragment(environment).warnings;
  expect(
    warningsOf({ OTEL_PROPAGATORS: "none", OTEL_CONFIG_FILE: "/otel.yaml" }).map(
      (warning) => warning.split(" ")[0],
    ),
  ).toEqual(["OTEL_PROPAGATORS", "OTEL_CONFIG_FILE"]);
  expect(warningsOf({ OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "100" })).toEqual([
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT is not read here; a destination has attribute_limit",
  ]);
  expect(warningsOf({ OTEL_PROPAGATORS: " TraceContext, baggage,b3 " })).toEqual([]);
  expect(warningsOf({ OTEL_PROPAGATORS: "", OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: " " })).toEqual([]);
});

test("pairs survive being encoded, whatever they hold", () => {
  const letters = ["a", "=", ",", ";", "%", " ", "é", "😀", '"'];
  for (let round = 0; round < 500; round++) {
    const word = () =>
      Array.from({ length: 6 }, () => letters[Math.floor(Math.random() * letters.length)]).join("");
    const pairs = Array.from({ length: 3 }, (): [string, string] => [`k${word()}`, word()]);
    const encoded = pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join(",");
    expect(parsePairs(encoded)).toEqual(pairs);
  }
});
