// Texts with `{{column}}` in them. Pure.

export interface PromptTemplate {
  readonly columns: readonly string[];
  /** The text of a row, or the column that the row has not. */
  readonly render: (
    fields: Readonly<Record<string, unknown>>,
  ) =>
    | { readonly ok: true; readonly text: string }
    | { readonly ok: false; readonly column: string };
}

const placeholder = /\{\{\s*([^{}]+?)\s*\}\}/g;

export function parseTemplate(text: string): PromptTemplate {
  const pieces: { readonly text: string; readonly column: string | undefined }[] = [];
  let from = 0;
  for (const match of text.matchAll(placeholder)) {
    pieces.push({ text: text.slice(from, match.index), column: match[1] });
    from = match.index + match[0].length;
  }
  pieces.push({ text: text.slice(from), column: undefined });
  const columns = pieces.flatMap(({ column }) => (column === undefined ? [] : [column]));
  return {
    columns: [...new Set(columns)],
    render(fields) {
      let rendered = "";
      for (const { text: before, column } of pieces) {
        rendered += before;
        if (column === undefined) continue;
        if (!Object.hasOwn(fields, column)) return { ok: false, column };
        rendered += textOf(fields[column]);
      }
      return { ok: true, text: rendered };
    },
  };
}

/** A value as it stands in a text: strings as they are, the rest as JSON, nothing as nothing. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
