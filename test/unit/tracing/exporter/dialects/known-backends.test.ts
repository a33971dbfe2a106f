import { describe, expect, test } from "bun:test";
import { knownBackend } from "../../../../../src/tracing/exporter/dialects/known-backends.ts";

function dialectOf(endpoint: string, headers: Record<string, string> = {}): string | undefined {
  return knownBackend({ endpoint, headers })?.dialect;
}

describe("a destination's address", () => {
  test("tells Langfuse by its cloud and by its path", () => {
    expect(dialectOf("https://cloud.langfuse.com/api/public/otel/v1/traces")).toBe("langfuse");
    expect(dialectOf("https://us.cloud.langfuse.com/api/public/otel/v1/traces")).toBe("langfuse");
    expect(dialectOf("http://10.0.0.3:3000/api/public/otel/v1/traces")).toBe("langfuse");
  });

  test("tells Phoenix by its cloud, its port or its header, and MLflow by its header", () => {
    expect(dialectOf("https://app.phoenix.arize.com/s/me/v1/traces")).toBe("phoenix");
    expect(dialectOf("http://phoenix.internal:6006/v1/traces")).toBe("phoenix");
    expect(dialectOf("http://traces.internal/v1/traces", { "x-project-name": "p" })).toBe(
      "phoenix",
    );
    expect(dialectOf("http://10.0.0.3:5000/v1/traces", { "x-mlflow-experiment-id": "0" })).toBe(
      "mlflow",
    );
  });

  test("tells backends that want the conventions alone", () => {
    for (const host of [
      "api.honeycomb.io",
      "api.eu1.honeycomb.io",
      "otlp.datadoghq.com",
      "otlp-gateway-prod-eu-west-2.grafana.net",
    ]) {
      expect(dialectOf(`https://${host}/v1/traces`)).toBe("genai");
    }
  });

  test("tells nothing where anything may stand behind it", () => {
    expect(dialectOf("http://127.0.0.1:4318/v1/traces")).toBeUndefined();
    expect(dialectOf("http://collector/v1/traces")).toBeUndefined();
    expect(dialectOf("https://notlangfuse.com/v1/traces")).toBeUndefined();
    expect(dialectOf("https://langfuse.com.evil.example/v1/traces")).toBeUndefined();
  });
});
