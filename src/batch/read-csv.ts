// CSV and its like to rows, main thread: a list of rows per chunk that comes in. The first record names the
// columns. Records of a wrong length are rows with a problem, they stop nothing.

import { parse, type CsvError } from "csv-parse";
import { recordBytesMax, type InputRow } from "./input-row.ts";

/** The header cannot be used: nothing can be read. */
export class HeaderError extends Error {
  override readonly name = "HeaderError";
}

interface Parsed {
  readonly record: readonly string[] | undefined;
  readonly problem: string;
  /** Where it ends. */
  readonly endLine: number;
}

/** @throws HeaderError when two columns have one name */
export async function* readCsv(
  bytes: AsyncIterable<Uint8Array>,
  delimiter: string,
): AsyncGenerator<InputRow[]> {
  let parsed: Parsed[] = [];
  let header: readonly string[] | undefined;
  let number = 0;
  let endLine = 0;
  const parser = parse({
    bom: true,
    delimiter,
    max_record_size: recordBytesMax,
    // Found out from the first line, a file of mixed ones would lose rows.
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_record: (record: readonly string[], { lines }: { readonly lines: number }) => {
      parsed.push({ record, problem: "", endLine: lines });
      return null;
    },
    on_skip: (error: CsvError | undefined) => {
      const lines = error?.["lines"] as number | undefined;
      parsed.push({ record: undefined, problem: skipReason(error), endLine: lines ?? endLine });
      return undefined;
    },
  });

  const takeRows = (): InputRow[] => {
    const rows: InputRow[] = [];
    for (const { record, problem, endLine: end } of parsed) {
      const line = endLine + 1;
      endLine = Math.max(endLine, end);
      if (header === undefined) {
        header = columnNames(record ?? []);
        continue;
      }
      number += 1;
      rows.push(toRow(header, { record, problem }, { number, line }));
    }
    parsed = [];
    return rows;
  };

  const write = (chunk: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      parser.write(chunk, (error) => (error ? reject(error) : resolve()));
    });

  for await (const chunk of bytes) {
    await write(chunk);
    const rows = takeRows();
    if (rows.length > 0) yield rows;
  }
  await new Promise<void>((resolve, reject) => {
    parser.on("error", reject);
    parser.on("end", () => resolve());
    parser.resume();
    parser.end();
  });
  const rows = takeRows();
  if (rows.length > 0) yield rows;
}

/** The delimiter of a text's first line: the likeliest that is not within quotes. */
export function guessDelimiter(start: string): string {
  const counts = new Map<string, number>([",", ";", "\t", "|"].map((each) => [each, 0]));
  let isQuoted = false;
  for (const character of start) {
    if (character === '"') isQuoted = !isQuoted;
    if (character === "\n" && !isQuoted) break;
    const count = counts.get(character);
    if (!isQuoted && count !== undefined) counts.set(character, count + 1);
  }
  const best = [...counts].toSorted((a, b) => b[1] - a[1])[0];
  return best === undefined || best[1] === 0 ? "," : best[0];
}

function columnNames(record: readonly string[]): readonly string[] {
  const names = record.map((name, at) => (name.trim() === "" ? `column_${at + 1}` : name.trim()));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new HeaderError(`the column ${JSON.stringify(twice)} is there twice`);
  return names;
}

function toRow(
  header: readonly string[],
  { record, problem }: Pick<Parsed, "record" | "problem">,
  { number, line }: Pick<InputRow, "number" | "line">,
): InputRow {
  const values = record ?? [];
  // Assigned one by one, a column named __proto__ would be none.
  const fields = Object.fromEntries(header.map((name, at) => [name, values[at] ?? ""]));
  if (problem !== "" || values.length === header.length) return { number, line, fields, problem };
  const counts = `${values.length} fields where the header has ${header.length}`;
  return { number, line, fields, problem: counts };
}

function skipReason(error: CsvError | undefined): string {
  if (error?.code === "CSV_QUOTE_NOT_CLOSED") return "a quote is never closed";
  if (error?.code === "CSV_MAX_RECORD_SIZE") return `longer than ${recordBytesMax} bytes`;
  return "the record cannot be read";
}
