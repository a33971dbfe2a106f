// The order of a row's steps, with a ledger and a pool that answer when they are told to.

import { describe, expect, test } from "bun:test";
import { createRateLimiter } from "../../../src/batch/rate-limiter.ts";
import { createRowFlow, type RowFlowDeps } from "../../../src/batch/row-flow.ts";
import type { GoodPlan } from "../../../src/batch/row-state.ts";
import { createTaskMaker } from "../../../src/batch/row-task.ts";
import { createRunTrace } from "../../../src/batch/run-trace.ts";
import { createSendGate } from "../../../src/batch/send-gate.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { noOutcome, type CallResult, type CallTask } from "../../../src/protocol/call-task.ts";
import { eachEndedRow } from "../../../src/protocol/ended-rows.ts";
import type { AcknowledgedCommand } from "../../../src/protocol/exporter-message.ts";
import { systemClock } from "../../../src/tracing/recorder/clock.ts";
import { createIdSource } from "../../../src/tracing/recorder/ids.ts";
import { readOpenings } from "../../../src/tracing/recorder/row-opening.ts";
import { createSpanWriter } from "../../../src/tracing/recorder/span-writer.ts";
import { settledRow } from "../../support/settled-row.ts";
import { waitFor } from "../../support/wait-for.ts";

interface Call {
  readonly task: CallTask;
  readonly resolve: (result: CallResult) => void;
  readonly reject: (error: GatewayError) => void;
}

function setUp({
  unwritable,
  deep,
}: { readonly unwritable?: number; readonly deep?: number } = {}) {
  const loaded = loadConfig({
    path: undefined,
    environment: { OPENAI_API_KEY: "k" },
    workingDirectory: "/nowhere",
    cores: 2,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const commits: {
    command: AcknowledgedCommand;
    settle: (outcome: "committed" | "failed") => void;
  }[] = [];
  const calls: Call[] = [];
  const events: string[] = [];
  const deps = { clock: systemClock, ids: createIdSource(), writer: createSpanWriter() };
  const trace = createRunTrace(
    {
      run: "run",
      rows: 3,
      model: "m",
      tracePerRow: true,
      caller: undefined,
      sampler: loaded.config.tracing.sampler,
      attributes: {},
    },
    deps,
  );
  const limits = {
    concurrency: 10,
    concurrencyMax: 10,
    callsPerMinute: undefined,
    tokensPerMinute: undefined,
  };
  const gate = createSendGate(createRateLimiter(limits, systemClock()), systemClock);
  const flowDeps: RowFlowDeps = {
    ...deps,
    gate,
    trace,
    origin: trace.origin,
    batch: 1,
    taskOf: createTaskMaker(loaded.config, trace.origin),
    answerRetries: 1,
    exporter: {
      commit: (command) =>
        new Promise((settle) => {
          commits.push({ command, settle });
        }),
      journal: ({ part }) => void events.push(`journal ${part}`),
      workerPart: () => undefined,
    },
    pool: {
      run: (task) =>
        new Promise((resolve, reject) => {
          calls.push({ task, resolve, reject });
        }),
      resume: () => undefined,
      cancel: () => undefined,
    },
  };
  const flow = createRowFlow(flowDeps, {
    recordOf({ row }, { error, message }) {
      if (error === "" && row.number === deep) throw new RangeError("too deep");
      return settledRow({ line: `${row.number}\n`, error, message });
    },
    committed({ row }, { error }) {
      if (row.number === unwritable) throw new Error("no output");
      events.push(`committed ${row.number}${error && `: ${error}`}`);
    },
    broken: ({ row }, error) => void events.push(`broken ${row.number}: ${String(error)}`),
  });
  const plan = {
    ok: true,
    api: "openai",
    customId: "",
    shape: undefined,
    facts: { model: "m" },
    factsJson: "{}",
    request: () => "{}",
    tokens: 1,
  } as unknown as GoodPlan;
  const send = (number: number): void => {
    const pass = gate.tryEnter(1);
    if (pass === undefined) throw new Error("no slot");
    flow.send({ number, line: number, fields: {}, problem: "" }, { place: number - 1, plan, pass });
  };
  return { send, commits, calls, events, origin: trace.origin };
}

function reply(text: string): CallResult {
  const body = JSON.stringify({ choices: [{ message: { content: text } }] });
  const said = { status: 200, headers: "{}", body, isText: true };
  return { kind: "reply", ...said, outcome: { ...noOutcome, spanCount: 2 } };
}

describe("rows under way", () => {
  test("are sent when their opening is committed, and over when their end is; a turn's rows go together", async () => {
    const { send, commits, calls, events, origin } = setUp();
    for (const number of [1, 2, 3]) send(number);
    await waitFor(() => commits.length === 1, 2000);
    const opening = commits[0]?.command;
    if (opening?.kind !== "opening") throw new Error("no opening");
    expect(readOpenings(origin, opening.rows).map(({ row }) => row)).toEqual([1, 2, 3]);
    expect(calls).toEqual([]);
    commits[0]?.settle("committed");
    await waitFor(() => calls.length === 3, 2000);
    for (const call of calls) call.resolve(reply("hello"));
    await waitFor(() => commits.length === 2, 2000);
    const rows = commits[1]?.command;
    if (rows?.kind !== "rows") throw new Error("no rows");
    expect(rows.spanCount).toBe(9);
    const numbers: number[] = [];
    eachEndedRow(rows, ({ row }) => numbers.push(row));
    expect(numbers).toEqual([1, 2, 3]);
    expect(events).toEqual([]);
    commits[1]?.settle("committed");
    await waitFor(() => events.length === 3, 2000);
    expect(events).toEqual(["committed 1", "committed 2", "committed 3"]);
  });

  test("end once each, though one of their turn cannot be written", async () => {
    const { send, commits, calls, events } = setUp({ unwritable: 1 });
    for (const number of [1, 2, 3]) send(number);
    await waitFor(() => commits.length === 1, 1000);
    commits[0]?.settle("committed");
    await waitFor(() => calls.length === 3, 1000);
    for (const { resolve } of calls) resolve(reply("yes"));
    await waitFor(() => commits.length === 2, 1000);
    commits[1]?.settle("committed");
    await waitFor(() => events.length === 3, 1000);
    await new Promise((turn) => setImmediate(turn));
    expect(events).toEqual(["broken 1: Error: no output", "committed 2", "committed 3"]);
  });

  test("fail, alone, when what was answered cannot be written", async () => {
    const { send, commits, calls, events } = setUp({ deep: 2 });
    for (const number of [1, 2]) send(number);
    await waitFor(() => commits.length === 1, 1000);
    commits[0]?.settle("committed");
    await waitFor(() => calls.length === 2, 1000);
    for (const { resolve } of calls) resolve(reply("yes"));
    await waitFor(() => commits.length === 2, 1000);
    commits[1]?.settle("committed");
    await waitFor(() => events.length === 2, 1000);
    expect(events).toEqual(["committed 1", "committed 2: provider_invalid"]);
  });

  test("are not sent when the ledger does not take their opening", async () => {
    const { send, commits, calls, events } = setUp();
    send(1);
    send(2);
    await waitFor(() => commits.length === 1, 2000);
    commits[0]?.settle("failed");
    await waitFor(() => events.length === 2, 2000);
    expect(calls).toEqual([]);
    expect(events[0]).toContain("broken 1: Error: the ledger did not take");
  });

  test("are not over when the ledger does not take the end of one that is given up", async () => {
    const { send, commits, calls, events } = setUp();
    send(1);
    for (let time = 0; time < 3; time++) {
      await waitFor(() => commits.length === 2 * time + 1, 2000);
      commits.at(-1)?.settle("committed");
      await waitFor(() => calls.length === time + 1, 2000);
      calls[time]?.reject(new GatewayError("worker_lost", "gone"));
      await waitFor(() => commits.length === 2 * time + 2, 2000);
      commits.at(-1)?.settle(time < 2 ? "committed" : "failed");
    }
    await waitFor(() => events.length === 1, 2000);
    expect(events[0]).toContain("broken 1: Error: the ledger did not take");
  });

  test("are not sent again when the ledger does not take how they were lost", async () => {
    const { send, commits, calls, events } = setUp();
    send(1);
    await waitFor(() => commits.length === 1, 2000);
    commits[0]?.settle("committed");
    await waitFor(() => calls.length === 1, 2000);
    calls[0]?.reject(new GatewayError("worker_lost", "gone"));
    await waitFor(() => commits.length === 2, 2000);
    commits[1]?.settle("failed");
    await waitFor(() => events.length === 1, 2000);
    expect(events[0]).toContain("broken 1: Error: the ledger did not take");
    expect(commits.length).toBe(2);
  });

  test("are sent again from their opening on when their thread dies, and given up the third time", async () => {
    const { send, commits, calls, events } = setUp();
    send(1);
    const names: string[] = [];
    for (let time = 0; time < 3; time++) {
      await waitFor(() => commits.length === 2 * time + 1, 2000);
      commits.at(-1)?.settle("committed");
      await waitFor(() => calls.length === time + 1, 2000);
      names.push(calls[time]?.task.call ?? "");
      calls[time]?.reject(new GatewayError("worker_lost", "gone"));
      await waitFor(() => commits.length === 2 * time + 2, 2000);
      const { command, settle } = commits.at(-1) ?? {};
      if (command?.kind !== "abandoned") throw new Error("not abandoned");
      expect(command.call).toBe(names[time] ?? "");
      expect(command.fallbackSpanCount).toBe(2);
      const { state } = JSON.parse(command.row ?? "") as { readonly state: string };
      expect(state).toBe(time < 2 ? "open" : "failed");
      settle?.("committed");
    }
    await waitFor(() => events.length === 1, 2000);
    expect(events).toEqual(["committed 1: worker_lost"]);
    expect(new Set(names).size).toBe(3);
  });
});
