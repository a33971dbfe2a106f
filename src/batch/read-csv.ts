// CSV and its like to rows, main thread: a list of rows per chunk that comes in. The first record names the
// columns. Records of a wrong length are rows with a problem, they stop nothing.

import { parse, type CsvError, type InfoRecord, type Parser } from "csv-parse";

import { recordBytesMax, type InputRow } from "./input-row.ts";
import { createUtf8Watch } from "./utf8-watch.ts";

/** The header cannot be used: nothing can be read. */
export class HeaderError extends Error {
  override readonly name = "HeaderError";
}

interface Parsed {
  readonly record: readonly string[] | undefined;
  readonly problem: string;
  /** Of the file, with what came before this parser. */
  readonly endLine: number;
  readonly endByte: number;
  /** So far, by this parser. */
  readonly emptyLines: number;
}

const newline = 10;

/**
 * `onColumns` hears of the header once, before the first row.
 *
 * @throws HeaderError when there is none, or one that cannot be used
 */
export async function* readCsv(
  bytes: AsyncIterable<Uint8Array>,
  delimiter: string,
  onColumns?: (columns: readonly string[]) => void,
): AsyncGenerator<InputRow[]> {
  let parsed: Parsed[] = [];
  let header: readonly string[] | undefined;
  let number = 0;
  /** Where the last record ended. */
  let end = { endLine: 0, endByte: 0, emptyLines: 0 };
  /** All that came in. */
  let seenBytes = 0;
  let seenLines = 0;
  const utf8 = createUtf8Watch();
  let parser = beginParser(delimiter, { lines: 0, bytes: 0 }, (record) => parsed.push(record));
  let isSkipping = false;

  const takeRows = (): InputRow[] => {
    const rows: InputRow[] = [];
    for (const each of parsed) {
      const line = end.endLine + 1 + each.emptyLines - end.emptyLines;
      end = each;
      const isBad = utf8.isBadBefore(each.endByte);
      if (header === undefined) {
        if (isBad) throw new HeaderError(`the header (line ${line}) is not UTF-8`);
        if (each.record === undefined) throw new HeaderError(`the header: ${each.problem}`);
        header = columnNames(each.record);
        onColumns?.(header);
        continue;
      }
      number += 1;
      const problem = isBad && each.problem === "" ? "the record is not UTF-8" : each.problem;
      rows.push(toRow(header, { record: each.record, problem }, { number, line }));
    }
    parsed = [];
    return rows;
  };

  /** What is past it cannot be told from what is in it, up to where a line ends. */
  const giveUpRecord = (): void => {
    const problem = `longer than ${recordBytesMax} bytes; is there a quote that is never closed?`;
    parsed.push({ ...end, record: undefined, problem });
    parser.destroy();
    isSkipping = true;
  };

  /** The rest of a chunk, from where a record may begin again. */
  const goOn = (chunk: Uint8Array): Uint8Array => {
    const at = chunk.indexOf(newline);
    if (at < 0) return new Uint8Array();
    const rest = chunk.subarray(at + 1);
    const lines = seenLines - countLines(rest);
    end = { endLine: lines, endByte: seenBytes - rest.length, emptyLines: 0 };
    utf8.isBadBefore(end.endByte); // of what was skipped
    parser = beginParser(delimiter, { lines, bytes: end.endByte }, (record) => parsed.push(record));
    isSkipping = false;
    return rest;
  };

  for await (const chunk of bytes) {
    utf8.see(chunk);
    seenBytes += chunk.length;
    seenLines += countLines(chunk);
    const fresh = isSkipping ? goOn(chunk) : chunk;
    if (fresh.length === 0) continue;
    await write(parser, fresh);
    const rows = takeRows();
    if (seenBytes - end.endByte > recordBytesMax) {
      giveUpRecord();
      rows.push(...takeRows());
    }
    if (rows.length > 0) yield rows;
  }
  utf8.end();
  if (!isSkipping) await finish(parser);
  const rows = takeRows();
  if (rows.length > 0) yield rows;
  if (header === undefined) throw new HeaderError("there is no header row in it");
}

/** `before`: what of the file came before its first byte. */
function beginParser(
  delimiter: string,
  before: { readonly lines: number; readonly bytes: number },
  take: (parsed: Parsed) => void,
): Parser {
  const { lines, bytes } = before;
  return parse({
    bom: bytes === 0,
    delimiter,
    // Found out from the first line, a file of mixed ones would lose rows.
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_record: (record: readonly string[], info: InfoRecord) => {
      const [endLine, endByte] = [lines + info.lines, bytes + info.bytes];
      take({ record, problem: "", endLine, endByte, emptyLines: info.empty_lines });
      return null;
    },
    on_skip: (error: CsvError | undefined) => {
      const info = error as unknown as InfoRecord;
      const ends = { endLine: lines + info.lines, endByte: Infinity };
      take({
        record: undefined,
        problem: skipReason(error),
        ...ends,
        emptyLines: info.empty_lines,
      });
      return undefined;
    },
  });
}

function write(parser: Parser, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function finish(parser: Parser): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.on("error", reject);
    parser.on("end", () => resolve());
    parser.resume();
    parser.end();
  });
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
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
  if (record.some((name) => /\r(?!\n)/.test(name))) {
    throw new HeaderError("its lines end in CR alone: save it with LF or CRLF");
  }
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
  if (error?.code === "CSV_QUOTE_NOT_CLOSED")
    return "a quote is never closed: all that follows is in this record";
  return "the record cannot be read";
}
