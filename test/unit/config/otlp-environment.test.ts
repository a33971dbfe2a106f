import { describe, expect, test } from "bun:test";
import { otlpFragment } from "../../../src/config/otlp-environment.ts";
import { configOf } from "./resolve-text.ts";

const around = { workingDirectory: "/srv", fileExists: (path: string) => !path.endsWith("none") };
const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };

function fragment(environment: Record<string, string>) {
  return otlpFragment(environment, around);
}

function destination(environment: Record<string, string>) {
  const { destinations, warnings } = fragment({ ...base, ...environment });
  expect(warnings).toEqual([]);
  expect(destinations).toHaveLength(1);
  return destinations[0];
}

describe("the endpoint", () => {
  test.each([
    ["http://c:4318", "http://c:4318/v1/traces"],
    ["http://c:4318/", "http://c:4318/v1/traces"],
    ["https://c/otlp", "https://c/otlp/v1/traces"],
    ["https://c/otlp//", "https://c/otlp/v1/traces"],
    ["https://c/otlp?key=1", "https://c/otlp/v1/traces?key=1"],
  ])("for all signals, %s, gets the path of traces", (value, endpoint) => {
    expect(destination({ OTEL_EXPORTER_OTLP_ENDPOINT: value })).toMatchObject({ endpoint });
  });

  test.each([
    ["http://t/v1/traces", "http://t/v1/traces"],
    ["http://t/custom/", "http://t/custom/"],
    ["http://t", "http://t/"],
  ])("for traces, %s, is used as it is and wins", (value, endpoint) => {
    expect(destination({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: value })).toMatchObject({ endpoint });
  });

  test("that is none is warned of, and the other one is used", () => {
    const { destinations, warnings } = fragment({
      ...base,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "c:4317",
    });
    expect(destinations).toMatchObject([{ endpoint: "http://c:4318/v1/traces" }]);
    expect(warnings).toEqual([
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be an address that begins with http:// or " +
        "https://; it is ignored",
    ]);
  });

  test("that is missing means no destination", () => {
    expect(fragment({})).toEqual({ destinations: [], warnings: [] });
    expect(fragment({ OTEL_EXPORTER_OTLP_ENDPOINT: "" })).toEqual({
      destinations: [],
      warnings: [],
    });
    expect(fragment({ OTEL_EXPORTER_OTLP_HEADERS: "bad" })).toEqual({
      destinations: [],
      warnings: [],
    });
  });
});

describe("OTEL_TRACES_EXPORTER", () => {
  test.each(["none", "None", "none,console"])("=%s means no destination", (value) => {
    expect(fragment({ ...base, OTEL_TRACES_EXPORTER: value }).destinations).toEqual([]);
  });

  test.each(["otlp", "OTLP", "otlp,console", "console", ""])("=%p sends", (value) => {
    expect(fragment({ ...base, OTEL_TRACES_EXPORTER: value }).destinations).toHaveLength(1);
  });

  test("that nothing here knows is warned of", () => {
    expect(fragment({ ...base, OTEL_TRACES_EXPORTER: "zipkin" }).warnings).toEqual([
      "OTEL_TRACES_EXPORTER knows otlp and none here, and holds something else; it is ignored",
    ]);
  });

  test("=otlp without an address is warned of", () => {
    expect(fragment({ OTEL_TRACES_EXPORTER: "otlp" })).toEqual({
      destinations: [],
      warnings: ["OTEL_TRACES_EXPORTER is otlp, but OTEL_EXPORTER_OTLP_ENDPOINT is not set"],
    });
  });
});

describe("headers", () => {
  test("of both variables are merged, those of traces over the others", () => {
    const { headers } = destination({
      OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20Zm9vOmJhcg==,x-a=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "X-A=2 , x-b=a%2Cb",
    }) as { headers: Record<string, string> };
    expect(headers).toEqual({ authorization: "Basic Zm9vOmJhcg==", "x-a": "2", "x-b": "a,b" });
  });

  test.each(["secret", "a=%zz", "a b=secret", "a=secret%0Ab"])(
    "such as %s are ignored without a word of their values",
    (part) => {
      const { destinations, warnings } = fragment({
        ...base,
        OTEL_EXPORTER_OTLP_HEADERS: `good=1,${part}`,
      });
      expect(destinations).toMatchObject([{ headers: { good: "1" } }]);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).not.toContain("secret");
    },
  );
});

describe("options", () => {
  test("are absent unless set, but for the specification's timeout", () => {
    expect(destination({})).toEqual({
      name: "otlp",
      endpoint: "http://c:4318/v1/traces",
      headers: {},
      timeout: "10s",
    });
  });

  test("are read in any case, those of traces first", () => {
    expect(
      destination({
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "HTTP/JSON",
        OTEL_EXPORTER_OTLP_COMPRESSION: "GZIP",
        OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
        OTEL_EXPORTER_OTLP_CERTIFICATE: "ca.pem",
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/c.pem",
        OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: "/k.pem",
      }),
    ).toMatchObject({
      protocol: "http/json",
      compression: "gzip",
      timeout: "2500ms",
      ca_file: "/srv/ca.pem",
      cert_file: "/c.pem",
      key_file: "/k.pem",
    });
  });

  test("with a timeout of 0 wait as long as a timer can", () => {
    expect(destination({ OTEL_EXPORTER_OTLP_TIMEOUT: "0" })).toMatchObject({
      timeout: "2147483647ms",
    });
  });

  test("with gRPC send http/protobuf, and say so", () => {
    const { destinations, warnings } = fragment({ ...base, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
    expect(destinations[0]).not.toHaveProperty("protocol");
    expect(warnings).toEqual([
      "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which everyspan does not speak; it sends http/protobuf",
    ]);
  });

  test.each([
    ["PROTOCOL", "http/xml"],
    ["COMPRESSION", "zstd"],
    ["TIMEOUT", "10s"],
    ["TIMEOUT", "-1"],
    ["CERTIFICATE", "/none"],
    ["CLIENT_KEY", "/k.pem"],
    ["CLIENT_CERTIFICATE", "/c.pem"],
  ])("with %s=%s go on without it, and say so", (option, value) => {
    const name = `OTEL_EXPORTER_OTLP_${option}`;
    const { destinations, warnings } = fragment({ ...base, [name]: value });
    expect(destinations).toEqual([destination({})!]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`${name} `);
  });
});

test("what comes of the environment is always a valid destination", () => {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "HTTP://C:4318/x y",
    OTEL_EXPORTER_OTLP_HEADERS: "a=,b=%09c",
    OTEL_EXPORTER_OTLP_TIMEOUT: "0",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "ca.pem",
  };
  expect(configOf("", { environment }).tracing.destinations).toMatchObject([
    {
      name: "otlp",
      endpoint: "http://c:4318/x%20y/v1/traces",
      headers: { a: "", b: "c" },
      timeoutMs: 2_147_483_647,
      caFile: "/srv/ca.pem",
    },
  ]);
});
