// Fuzz: guardrails of every type, in every mode, which a share of the requests name. The module and the server
// answer what their input says, right or wrong in any way that an answer can be.

import type { Random } from "../unit/apischema/random-json.ts";
import { createRandom } from "../unit/apischema/random-json.ts";
import { damage, randomBytes } from "./fuzz-bytes.ts";

export interface FuzzGuardrailServer {
  readonly url: string;
  readonly requests: () => number;
  readonly stop: () => void;
}

/** The guardrail that must leave no canary in what it is on: of requests, plain replies and streams. */
export const maskingGuardrail = "masks";
/** What both canaries match. */
const canaries = { name: "canary", regex: "(?:prompt|reply)-canary-[0-9a-f]{4}" };
const moduleFile = "fuzz-guardrail.ts";
const timeout = "300ms";

/** The section of the configuration. `url` is the guardrail server's. */
export function fuzzGuardrails(url: string): readonly Readonly<Record<string, unknown>>[] {
  const asked = { type: "generic_api", url, forward_headers: ["x-fuzz"], timeout };
  const masks = { type: "pattern", action: "mask", patterns: [canaries] };
  return [
    { name: maskingGuardrail, ...masks, modes: ["pre_call", "post_call"] },
    { name: "whole", ...masks, modes: ["post_call"], stream: "whole" },
    {
      name: "blocks",
      type: "pattern",
      modes: ["pre_call", "during_call", "post_call"],
      patterns: [{ name: "number", regex: "canary-\\w+ \\d*13" }],
      action: "block",
    },
    { name: "house", type: "module", path: `./${moduleFile}`, modes: ["pre_call", "post_call"] },
    {
      name: "hasty",
      type: "module",
      path: `./${moduleFile}`,
      modes: ["during_call", "post_call"],
      timeout: "5ms",
      on_error: "allow",
      window_size: 8,
    },
    { name: "asked", ...asked, modes: ["pre_call", "post_call"] },
    { name: "beside", ...asked, modes: ["during_call"], on_error: "allow" },
  ];
}

/** Names for the request's header: those of the configuration, and now and then one that is not there. */
export function chooseGuardrails(random: Random): readonly string[] {
  if (random.chance(0.02)) return ["nobody"];
  const names = ["masks", "whole", "blocks", "house", "hasty", "asked", "beside"];
  return names.filter(() => random.chance(0.3));
}

/** The file to be written beside the configuration, and what is in it. */
export const fuzzModule: { readonly file: string; readonly source: string } = {
  file: moduleFile,
  source: `
    function kindOf(texts) {
      let sum = texts.length;
      for (const text of texts) for (let at = 0; at < text.length; at += 1) sum += text.charCodeAt(at);
      return sum % 16;
    }
    export default {
      async check({ texts }) {
        switch (kindOf(texts)) {
          case 0: return { action: "block", reason: "by the house" };
          case 1: return { action: "block", reason: 7, category: {} };
          case 2: return { action: "mask", texts: texts.map((text) => text.toUpperCase()) };
          case 3: return { action: "mask", texts: [...texts, "one more"] };
          case 4: return { action: "mask", texts: texts.map(() => "\\ud800\\u0000\\"}],") };
          case 5: throw new TypeError("broke");
          case 6: throw undefined;
          case 7: return null;
          case 8: return { action: "allow", texts: 1 };
          case 9: await Bun.sleep(20); return { action: "allow" };
          default: return { action: "allow" };
        }
      },
    };
  `,
};

export function startFuzzGuardrailServer(seed: number): FuzzGuardrailServer {
  let requests = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      requests++;
      const asked = (await request.json()) as FuzzQuestion;
      const number = Number.parseInt(String(asked.request_headers?.["x-fuzz"]), 10);
      const index = Number.isNaN(number) ? requests : number;
      return answer(createRandom(Math.imul(seed, 0xc2b2ae35) ^ index), asked.texts ?? []);
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, requests: () => requests, stop: () => void server.stop(true) };
}

interface FuzzQuestion {
  readonly texts?: readonly string[];
  readonly request_headers?: Readonly<Record<string, unknown>>;
}

async function answer(random: Random, texts: readonly string[]): Promise<Response> {
  const kind = random.below(14);
  const rewritten = texts.map((text) => text.replaceAll("a", "\u00e4"));
  const json = JSON.stringify(
    kind < 6 ? { action: "NONE" } : random.pick([...rubbish, fits(rewritten), fits(rewritten)]),
  );
  const headers = { "content-type": "application/json" };
  switch (kind) {
    case 9:
      return new Response(damage(random, Buffer.from(json)), { headers });
    case 10:
      return new Response(randomBytes(random, random.below(200)), { headers });
    case 11:
      return new Response(json, { status: random.pick([201, 204, 307, 400, 401, 500, 502, 503]) });
    case 12:
      return new Response(json, { headers: { "content-encoding": random.pick(["gzip", "br"]) } });
    case 13:
      if (random.chance(0.1)) await Bun.sleep(1000);
      return new Response(json, { headers });
    default:
      return new Response(json, { headers });
  }
}

function fits(texts: readonly string[]): unknown {
  return { action: "GUARDRAIL_INTERVENED", texts };
}

const rubbish: readonly unknown[] = [
  { action: "BLOCKED", blocked_reason: "no" },
  { action: "BLOCKED", blocked_reason: ["no"] },
  { action: "BLOCKED", blocked_reason: 'x"\r\n\u0000'.repeat(500) },
  { action: "GUARDRAIL_INTERVENED" },
  { action: "GUARDRAIL_INTERVENED", texts: [1] },
  { action: "GUARDRAIL_INTERVENED", texts: ["a", "b", "c"], images: ["x"], tools: [{}] },
  { action: "GUARDRAIL_INTERVENED", texts: "text" },
  { action: "WHAT" },
  { action: { a: 1 } },
  null,
  [],
  "NONE",
];
