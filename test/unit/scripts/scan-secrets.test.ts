import { describe, expect, test } from "bun:test";
import { findSecrets } from "../../../scripts/scan-secrets.ts";

/** Put together here, so that the scan of this very file finds nothing. */
function joined(...parts: readonly string[]): string {
  return parts.join("");
}

const filler = "Qz7".repeat(20);

describe("findSecrets", () => {
  test("names file, line and kind of each secret, and never the secret", () => {
    const secret = joined("sk-ant-", "api03-", filler);
    const found = findSecrets("src/a.ts", `first\nconst key = "${secret}";\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith("src/a.ts:2: looks like a");
    expect(found.join()).not.toContain(filler);
  });

  test.each([
    ["OpenAI", joined("sk-", "proj-", filler)],
    ["AWS", joined("AK", "IA", "QZ7QZ7QZ7QZ7QZ7Q")],
    ["GitHub", joined("gh", "p_", filler.slice(0, 36))],
    ["Slack", joined("xox", "b-", filler)],
    ["private key", joined("-----BEGIN ", "RSA PRIVATE KEY-----")],
    ["password in an address", joined("https://user:", "hunter2hunter2", "@host.io/")],
  ])("knows the shape of %s", (_name, secret) => {
    expect(findSecrets("f", `x = ${secret}`)).toHaveLength(1);
  });

  test("lets examples, canaries and placeholders pass", () => {
    const harmless = [
      "OPENAI_API_KEY=sk-...",
      'key: "${OPENAI_API_KEY}"',
      joined("AK", "IAIOSFODNN7EXAMPLE"),
      "sk-caller-canary-0001",
      "http://127.0.0.1:4000/v1",
    ];
    expect(findSecrets("f", harmless.join("\n"))).toEqual([]);
  });
});
