// `bun scripts/scan-secrets.ts`: looks through every tracked file for what looks like a live secret. Prints
// file and line, never the secret itself. Ends with 1 when there is one.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

interface SecretShape {
  readonly name: string;
  readonly pattern: RegExp;
}

/** Shapes that issuers give their keys so that they can be found. */
const shapes: readonly SecretShape[] = [
  { name: "OpenAI key", pattern: /\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40,}/ },
  { name: "Anthropic key", pattern: /\bsk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{40,}/ },
  { name: "AWS access key", pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  { name: "GitHub token", pattern: /\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{60,})/ },
  { name: "Google key", pattern: /\bAIza[0-9A-Za-z_-]{35}\b/ },
  { name: "Slack token", pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{20,}/ },
  { name: "Stripe key", pattern: /\b[rs]k_live_[A-Za-z0-9]{20,}/ },
  { name: "npm token", pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { name: "Langfuse key", pattern: /\bsk-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,}/ },
  {
    name: "private key",
    pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s*$|\\n[A-Za-z0-9+/]{40})/,
  },
  { name: "JSON Web Token", pattern: /\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}/ },
  { name: "password in an address", pattern: /\bhttps?:\/\/[^\s/:@"'`$<{]+:[^\s/:@"'`$<{]{6,}@/ },
];

/**
 * A line is let pass that says by itself that nothing in it is secret: the examples that vendors print in
 * their own manuals, and runs of one character.
 */
const harmless = /EXAMPLE|example\.|canary|xxxxxxxx|00000000|12345678/i;

/** `path:line: what it looks like`, for each hit in a text. */
export function findSecrets(path: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    const shape = shapes.find(({ pattern }) => pattern.test(line));
    if (shape === undefined || harmless.test(line)) return [];
    return [`${path}:${index + 1}: looks like a ${shape.name}`];
  });
}

if (import.meta.main) {
  const root = resolve(import.meta.dir, "..");
  const listed = Bun.spawnSync(["git", "ls-files", "-z"], { cwd: root });
  if (!listed.success) throw new Error("git ls-files failed: not a clone?");
  const paths = listed.stdout.toString().split("\0").filter(Boolean);
  const found = paths.flatMap((path) =>
    findSecrets(path, readFileSync(resolve(root, path), "utf8")),
  );
  for (const line of found) console.error(line);
  console.log(`secrets: ${found.length} found in ${paths.length} files`);
  process.exit(found.length === 0 ? 0 : 1);
}
