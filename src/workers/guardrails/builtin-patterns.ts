// The patterns that everyspan brings along: keys and tokens, e-mail addresses, card numbers, IBANs. Pure.
// None backtracks without bound; test/unit/workers/guardrails holds them to what the configuration asks
// of a user's own.

import type { SearchedPattern } from "./pattern-search.ts";

/** The patterns of a set by its name in the configuration; undefined for an unknown one. */
export function builtinPatternSet(name: string): readonly SearchedPattern[] | undefined {
  return sets[name];
}

const sets: Readonly<Record<string, readonly SearchedPattern[]>> = {
  secrets: [
    { name: "aws_key", regex: /\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b/g },
    { name: "anthropic_key", regex: /\bsk-ant-[\w-]{16,200}/g },
    { name: "openai_key", regex: /\bsk-(?!ant-)[\w-]{20,200}/g },
    { name: "github_token", regex: /\b(?:gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_\w{22,255})/g },
    { name: "gitlab_token", regex: /\bglpat-[\w-]{20,64}/g },
    { name: "slack_token", regex: /\bxox[abeoprs]-[0-9A-Za-z-]{10,250}/g },
    { name: "google_key", regex: /\bAIza[\w-]{35}/g },
    { name: "stripe_key", regex: /\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,250}/g },
    { name: "npm_token", regex: /\bnpm_[0-9A-Za-z]{36}/g },
    { name: "jwt", regex: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}(?:\.[\w-]*)?/g },
    {
      name: "private_key",
      regex:
        /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\w+/=\s\\]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
    },
  ],
  email: [
    {
      name: "email",
      regex: /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,63}/gu,
    },
  ],
  card_number: [
    {
      name: "card_number",
      regex: /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g,
      accepts: (match) => longest(match, hasLuhnSum),
    },
  ],
  iban: [
    {
      name: "iban",
      regex: /\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?\b/g,
      accepts: (match) => longest(match, hasIbanSum),
    },
  ],
};

/** Words after a number may look like more of it: groups are left off until the sum is right. */
function longest(match: string, hasSum: (number: string) => boolean): number {
  let length = match.length;
  while (length > 0 && !hasSum(match.slice(0, length))) {
    length = Math.max(match.lastIndexOf(" ", length - 1), match.lastIndexOf("-", length - 1), 0);
  }
  return length;
}

/** ISO/IEC 7812-1, annex B. */
export function hasLuhnSum(number: string): boolean {
  const digits = number.replace(/\D/g, "");
  if (digits.length < 13 || /^(\d)\1*$/.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** ISO 13616: modulo 97. */
export function hasIbanSum(iban: string): boolean {
  const plain = iban.replace(/ /g, "");
  if (plain.length < 15 || plain.length > 34) return false;
  let rest = 0;
  for (const char of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
