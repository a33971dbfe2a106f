// `bun run bench [NAME [N]]`: measures everyspan beside a bare pass-through of the same Bun, in the same run.
// Prints the rows as they are done; a whole run (no name) also writes bench/RESULTS.md.

import { parseArgs } from "node:util";

import { gatewayStarter } from "./bench-context.ts";
import type { Bench, Figure } from "./bench-context.ts";
import { createChildren } from "./child-processes.ts";
import { describeRun, printFigures, writeResults } from "./report.ts";
import { rows } from "./rows/row-table.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});
const [name, amount] = positionals;
const chosen = rows.filter((row) => (name === undefined ? row.byDefault : row.name === name));
if (values.help || chosen.length === 0) {
  console.log("bun run bench [NAME [N]] [--rounds 5] [--seconds 3]\n");
  for (const row of rows) {
    console.log(`  ${row.name.padEnd(16)}${row.about}${row.byDefault ? "" : " (by name only)"}`);
  }
  process.exit(values.help ? 0 : 2);
}

// Several rows start a fetch per connection; Bun reads its limit when the process starts, but this process
// itself fetches next to nothing: the load goes out over bare sockets.
const children = createChildren();
const provider = await children.startProvider();
const receiver = await children.startReceiver();
const passThrough = await children.startPassThrough(provider.port);
const notes: string[] = [];
const bench: Bench = {
  children,
  provider,
  receiver,
  passThrough,
  rounds: Number(values.rounds),
  roundMs: Number(values.seconds) * 1000,
  amount: amount === undefined ? undefined : Number(amount),
  startGateway: gatewayStarter(children, provider, receiver),
  note(text) {
    notes.push(text);
    console.log(`  ${text}`);
  },
};

const heading = describeRun(bench);
for (const line of heading) console.log(line);
const figures: Figure[] = [];
let failures = 0;
for (const row of chosen) {
  console.log(`\n${row.name}: ${row.about}`);
  try {
    const found = await row.run(bench);
    figures.push(...found);
    printFigures(found);
  } catch (error) {
    failures++;
    const message = error instanceof Error ? error.message : String(error);
    console.error(`  failed: ${message}`);
    figures.push({ figure: row.about, value: `failed: ${message.split("\n", 1)[0]}` });
  }
}
if (name === undefined) await writeResults(heading, figures, notes);
process.exit(failures === 0 ? 0 : 1);
