import { describe, expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import type { WorkerMessage } from "../../../src/protocol/call-task.ts";
import type { CallState } from "../../../src/workers/call-state.ts";
import { createStreamOutlet } from "../../../src/workers/stream-outlet.ts";

const head = { status: 200, headers: '{"x-a":"1"}' };
const noHead = { status: 0, headers: "" };

function outlet() {
  const posted: WorkerMessage[] = [];
  const captured: string[] = [];
  let spentBytes = 0;
  const state = {
    task: { call: "c" },
    window: { spend: (bytes: number) => (spentBytes += bytes) },
    capture: { part: (text: string) => captured.push(text) },
  } as unknown as CallState;
  const response = new Response("", { headers: { "x-a": "1" } });
  response.headers.delete("content-type");
  const made = createStreamOutlet(state, response, (message) => posted.push(message));
  return { ...made, posted, captured, spentBytes: () => spentBytes };
}

describe("what a stream says to the server", () => {
  test("is one message where all of it came at once", () => {
    const out = outlet();
    out.add("a");
    out.add("");
    out.add("b");
    expect(out.isOpen()).toBe(false);
    out.end("last", "", noOutcome);
    expect(out.posted).toEqual([
      {
        kind: "end",
        call: "c",
        ...head,
        text: "ab",
        last: "last",
        errorCode: "",
        outcome: noOutcome,
      },
    ]);
    expect({ captured: out.captured, spentBytes: out.spentBytes() }).toEqual({
      captured: ["a", "b"],
      spentBytes: 2,
    });
  });

  test("is the head before anything is waited for, with what there is, and then the parts", () => {
    const out = outlet();
    out.flush();
    expect(out.isOpen()).toBe(true);
    out.flush();
    out.add("a");
    out.flush();
    out.add("b");
    expect(out.hasParts()).toBe(true);
    out.end("last", "provider_cut", noOutcome);
    const errorCode = "provider_cut";
    expect(out.posted).toEqual([
      { kind: "head", call: "c", ...head, text: "" },
      { kind: "part", call: "c", text: "a" },
      { kind: "end", call: "c", ...noHead, text: "b", last: "last", errorCode, outcome: noOutcome },
    ]);
  });

  test("has the first part with the head, where it is there by then", () => {
    const out = outlet();
    out.add("a");
    out.flush();
    expect(out.posted).toEqual([{ kind: "head", call: "c", ...head, text: "a" }]);
    expect(out.hasParts()).toBe(false);
  });
});
