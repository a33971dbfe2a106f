import { expect, test } from "bun:test";
import { createKeptJournals } from "../../../src/server/kept-journals.ts";
import type { JournalCommand } from "../../../src/server/kept-journals.ts";

function journal(call: string, part: JournalCommand["part"], spans: string): JournalCommand {
  return { kind: "journal", call, part, spans, spanCount: 1, sampled: true };
}

test("the newest of each part of a call counts, the server's told before the worker's", () => {
  const journals = createKeptJournals();
  journals.keep(journal("a", "worker", "1"));
  journals.keep(journal("b", "worker", "2"));
  journals.keep(journal("a", "server", "3"));
  journals.keep(journal("a", "worker", "4"));
  expect(journals.commands().map(({ call, spans }) => call + spans)).toEqual(["a3", "a4", "b2"]);
  expect(journals.workerPart("a")?.spans).toBe("4");
});

test("a call without a worker's part, or one that has ended, has none", () => {
  const journals = createKeptJournals();
  journals.keep(journal("a", "server", "1"));
  journals.keep(journal("b", "worker", "2"));
  journals.drop("b");
  journals.drop("unknown");
  expect(journals.workerPart("a")).toBeUndefined();
  expect(journals.workerPart("b")).toBeUndefined();
  expect(journals.commands().map(({ call }) => call)).toEqual(["a"]);
});
