import { expect, test } from "bun:test";
import { MessageChannel } from "node:worker_threads";
import {
  errorCodes,
  errorRule,
  fromWireError,
  GatewayError,
  toWireError,
} from "../../../src/errors/gateway-error.ts";
import type { WireError } from "../../../src/errors/gateway-error.ts";

test("every code crosses a real port and comes out as what it was", async () => {
  const { port1, port2 } = new MessageChannel();
  const received: WireError[] = [];
  const all = Promise.withResolvers<void>();
  port2.on("message", (wire: WireError) => {
    received.push(wire);
    if (received.length === errorCodes.length) all.resolve();
  });
  for (const code of errorCodes)
    port1.postMessage(toWireError(new GatewayError(code, `why ${code}`)));
  await all.promise;
  port1.close();
  for (const [index, code] of errorCodes.entries()) {
    const error = fromWireError(received[index] as WireError);
    expect(error).toBeInstanceOf(GatewayError);
    expect({ code: error.code, message: error.message }).toEqual({ code, message: `why ${code}` });
  }
});

test("what is no GatewayError keeps its words to itself", () => {
  for (const thrown of [new TypeError("secret"), "secret", undefined, { code: "unauthorized" }]) {
    expect(toWireError(thrown)).toEqual({ code: "internal", message: "internal error" });
  }
});

test("every code has an error status and a type for each API; what may be tried again says when", () => {
  for (const code of errorCodes) {
    const rule = errorRule(code);
    expect(rule.status).toBeWithin(400, 600);
    expect(rule.openai).toEndWith("_error");
    expect(rule.anthropic).not.toBe("");
    if (rule.retryAfterSeconds !== undefined) expect(rule.status).toBe(503);
  }
});
