// The first reading of a batch's input, before anything is sent: how many rows, which columns, what is wrong, and
// a hash by which the same input is known again. Main thread; memory is bounded.

import type { InputRow } from "./input-row.ts";
import type { InputSource } from "./input-source.ts";

export interface Survey {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Rows that cannot be read are counted. */
  readonly rows: number;
  readonly badRows: number;
  readonly firstBad: InputRow | undefined;
  /** In the order in which they first appear. Of CSV the header's, whether or not there are rows. */
  readonly columns: readonly string[];
  /** The first rows that can be read. */
  readonly sample: readonly InputRow[];
}

const sampleRowsMax = 1000;
const sampleBytesMax = 8 * 1024 * 1024;
const columnsMax = 10_000;

export async function surveyInput(input: InputSource): Promise<Survey> {
  const hash = new Bun.CryptoHasher("sha256");
  const columns = new Set<string>();
  const sample: InputRow[] = [];
  let sizeBytes = 0;
  let rows = 0;
  let badRows = 0;
  let firstBad: InputRow | undefined;
  const batches = input.rows({
    onBytes(chunk) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    },
    onColumns(names) {
      for (const name of names) columns.add(name);
    },
  });
  for await (const batch of batches) {
    rows += batch.length;
    for (const row of batch) {
      if (row.problem !== "") {
        badRows += 1;
        firstBad ??= row;
        continue;
      }
      if (columns.size < columnsMax) for (const name in row.fields) columns.add(name);
      if (sample.length < sampleRowsMax && sizeBytes < sampleBytesMax) sample.push(row);
    }
  }
  const sha256 = hash.digest("hex");
  return { sha256, sizeBytes, rows, badRows, firstBad, columns: [...columns], sample };
}
