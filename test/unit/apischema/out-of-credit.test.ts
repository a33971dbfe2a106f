import { expect, test } from "bun:test";

import { isOutOfCredit } from "../../../src/apischema/out-of-credit.ts";

const error = (fields: object): object => ({ error: fields });

test.each([
  [429, error({ message: "…", type: "insufficient_quota", code: "insufficient_quota" })],
  [429, error({ type: "insufficient_quota", code: null })],
  [429, error({ code: "billing_not_active" })],
  [400, error({ code: "billing_hard_limit_reached" })],
  [
    400,
    error({
      type: "invalid_request_error",
      message: "Your credit balance is too low to access the Anthropic API.",
    }),
  ],
  [402, null],
  [402, error({ message: "Insufficient Balance" })],
])("an account that has nothing left says so: %p %p", (status, body) => {
  expect(isOutOfCredit(status, body)).toBe(true);
});

test.each([
  [429, error({ type: "rate_limit_error", code: "rate_limit_exceeded" })],
  [429, error({ type: "tokens", code: "rate_limit_exceeded" })],
  [429, null],
  [429, "insufficient_quota"],
  [429, error([])],
  [400, error({ type: "invalid_request_error", message: "max_tokens: too low" })],
  [200, error({ code: "insufficient_quota" })],
  [500, error({ code: "insufficient_quota" })],
])("what is another thing does not: %p %p", (status, body) => {
  expect(isOutOfCredit(status, body)).toBe(false);
});
