import { describe, expect, test } from "bun:test";
import { assertOneReading } from "../../../src/apischema/one-reading.ts";

describe("a reply's JSON", () => {
  test("has one reading where no key of an object repeats", () => {
    for (const json of ["{}", '{"a":{"a":1},"b":[{"a":1},{"a":2}]}', '{"a":"{\\"a\\":1}"}']) {
      expect(() => assertOneReading(json)).not.toThrow();
    }
  });

  test("is the provider's mistake otherwise, and the error quotes nothing of it", () => {
    const twice = '{"choices":[{"message":{"xyzzy":1,"xyzzy":2}}]}';
    const deep = `{"xyzzy":${"[".repeat(2000)}${"]".repeat(2000)}}`;
    for (const json of [twice, deep]) {
      let failure: unknown;
      try {
        assertOneReading(json);
      } catch (error) {
        failure = error;
      }
      expect(failure).toMatchObject({ code: "provider_invalid" });
      expect(String(failure)).not.toContain("xyzzy");
    }
  });
});
