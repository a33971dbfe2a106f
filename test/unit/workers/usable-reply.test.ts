import { describe, expect, test } from "bun:test";
import { assertUsable, hasNoContent } from "../../../src/workers/usable-reply.ts";
import { createTestCall } from "../../support/call-states.ts";

/** A provider can answer with what Response would refuse to be made with. */
const withStatus = (status: number): Response => ({ status }) as Response;

describe("a provider's answer", () => {
  test.each([200, 201, 204, 206, 304, 400, 404, 429, 500, 529, 599])(
    "of %d is passed on, its connection left alone",
    (status) => {
      const { state, attempt } = createTestCall();
      const answer = attempt(withStatus(status));
      assertUsable(state, answer);
      expect(answer.done).toEqual([]);
      expect(answer.span.attributes["error.type"]).toBeUndefined();
    },
  );

  test.each([300, 301, 302, 303, 305, 307, 308])(
    "of %d would send the client's key elsewhere and is refused",
    (status) => {
      const { state, attempt } = createTestCall();
      const answer = attempt(withStatus(status));
      expect(() => assertUsable(state, answer)).toThrow(
        `provider main answered ${status}: a redirect, which is not followed`,
      );
      expect(answer.done).toEqual(["settle", "abort"]);
      expect(answer.span.attributes["error.type"]).toBe(String(status));
    },
  );

  test.each([0, 1, 100, 101, 199, 600, 999])("of %d is none of HTTP's", (status) => {
    const { state, attempt } = createTestCall();
    const answer = attempt(withStatus(status));
    expect(() => assertUsable(state, answer)).toThrow(
      expect.objectContaining({ code: "provider_invalid" }) as Error,
    );
    expect(answer.done).toEqual(["settle", "abort"]);
    expect(answer.span.attributes["error.type"]).toBe("provider_invalid");
  });
});

test("three statuses carry no content, whatever their headers say", () => {
  expect([200, 204, 205, 206, 304, 400].filter(hasNoContent)).toEqual([204, 205, 304]);
});
