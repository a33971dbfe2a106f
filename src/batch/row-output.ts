// A row as it is written: the input's fields, then what the run adds. Pure.

import type { InputForm, InputRow } from "./input-row.ts";
import { textOf } from "./prompt-template.ts";

/** What a run adds to a row. Undefined: unknown, or none. */
export interface AddedFields {
  readonly label?: string | undefined;
  readonly reply?: string | undefined;
  readonly error?: string | undefined;
  readonly traceId?: string | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cost?: number | undefined;
}

export interface RowOutput {
  /** The first line, with its end; empty where there is none. */
  readonly header: string;
  /** A line with its end. */
  readonly line: (row: InputRow, added: AddedFields) => string;
}

export interface RowOutputOptions {
  readonly form: InputForm;
  readonly delimiter: string;
  readonly columns: readonly string[];
  readonly hasLabel: boolean;
}

export function createRowOutput(options: RowOutputOptions): RowOutput {
  const { form, columns, delimiter } = options;
  const added = addedColumns(columns, options.hasLabel);
  if (form === "jsonl") {
    return { header: "", line: (row, fields) => jsonLine(row, fields, added) };
  }
  const toLine = (values: readonly string[]): string =>
    `${values.map((value) => quoteField(value, delimiter)).join(delimiter)}\n`;
  return {
    header: toLine([...columns, ...added.map(({ name }) => name)]),
    line: (row, fields) =>
      toLine([
        ...columns.map((column) => textOf(row.fields[column])),
        ...added.map(({ key }) => textOf(fields[key])),
      ]),
  };
}

interface AddedColumn {
  readonly key: keyof AddedFields;
  readonly name: string;
}

/** A name that the input has already gets `new_` in front: no column of the input is lost. */
export function addedColumns(columns: readonly string[], hasLabel: boolean): AddedColumn[] {
  const names: AddedColumn[] = [
    ...(hasLabel ? [{ key: "label", name: "label" } as const] : []),
    { key: "reply", name: "reply" },
    { key: "error", name: "error" },
    { key: "traceId", name: "trace_id" },
    { key: "inputTokens", name: "input_tokens" },
    { key: "outputTokens", name: "output_tokens" },
    { key: "cost", name: "cost" },
  ];
  return names.map(({ key, name }) => ({
    key,
    name: freeName(name, columns),
  }));
}

function freeName(name: string, columns: readonly string[]): string {
  return columns.includes(name) ? freeName(`new_${name}`, columns) : name;
}

function jsonLine(row: InputRow, fields: AddedFields, added: readonly AddedColumn[]): string {
  const line: Record<string, unknown> = row.problem === "" ? { ...row.fields } : { line: row.line };
  for (const { key, name } of added) line[name] = fields[key] ?? null;
  return `${JSON.stringify(line)}\n`;
}

/** RFC 4180: quotes around what would be read otherwise. */
function quoteField(value: string, delimiter: string): string {
  const isPlain = !/["\n\r]/.test(value) && !value.includes(delimiter) && value === value.trim();
  return isPlain ? value : `"${value.replaceAll('"', '""')}"`;
}
