// Reads the source of a JavaScript regular expression that `new RegExp` has accepted, as far as it takes to
// tell what can backtrack. Pure; runs anywhere.

export type RegexNode =
  /** One char of a set; `negated` or unknown sets are told by a sample of chars. */
  | { readonly kind: "char"; readonly has: (char: string) => boolean }
  /** Matches no char: anchors, boundaries, look-arounds without their content. */
  | { readonly kind: "empty" }
  | { readonly kind: "sequence"; readonly nodes: readonly RegexNode[] }
  | { readonly kind: "choice"; readonly nodes: readonly RegexNode[] }
  | {
      readonly kind: "repeat";
      readonly node: RegexNode;
      readonly min: number;
      readonly max: number;
    }
  /** A look-around: tried at its place, and takes no char. */
  | { readonly kind: "look"; readonly node: RegexNode }
  | { readonly kind: "reference" };

interface Reader {
  readonly source: string;
  at: number;
}

/** Total for what `new RegExp(source)` takes. */
export function parseRegex(source: string): RegexNode {
  return readChoice({ source, at: 0 });
}

function readChoice(reader: Reader): RegexNode {
  const nodes = [readSequence(reader)];
  while (reader.source[reader.at] === "|") {
    reader.at++;
    nodes.push(readSequence(reader));
  }
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined ? only : { kind: "choice", nodes };
}

function readSequence(reader: Reader): RegexNode {
  const nodes: RegexNode[] = [];
  while (reader.at < reader.source.length && !/[|)]/.test(reader.source.charAt(reader.at))) {
    nodes.push(readRepeat(readAtom(reader), reader));
  }
  return { kind: "sequence", nodes };
}

function readRepeat(node: RegexNode, reader: Reader): RegexNode {
  const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(reader.source.slice(reader.at));
  if (found === null) return node;
  reader.at += found[0].length;
  const [sign, low = "", comma, high = ""] = found;
  if (sign.startsWith("*")) return { kind: "repeat", node, min: 0, max: Infinity };
  if (sign.startsWith("+")) return { kind: "repeat", node, min: 1, max: Infinity };
  if (sign.startsWith("?")) return { kind: "repeat", node, min: 0, max: 1 };
  const min = Number(low);
  const max = high !== "" ? Number(high) : comma === "," ? Infinity : min;
  return { kind: "repeat", node, min, max };
}

function readAtom(reader: Reader): RegexNode {
  const { source } = reader;
  const char = source.charAt(reader.at);
  if (char === "(") return readGroup(reader);
  if (char === "[") return readClass(reader);
  if (char === "^" || char === "$") {
    reader.at++;
    return { kind: "empty" };
  }
  const escape = /^\\(?:[bB]|[1-9]\d*|k<[^>]*>)/.exec(source.slice(reader.at))?.[0];
  if (escape !== undefined) {
    reader.at += escape.length;
    return { kind: /^\\[bB]$/.test(escape) ? "empty" : "reference" };
  }
  const atom = char === "\\" ? escapeAt(source, reader.at) : char;
  reader.at += atom.length;
  return charNode(atom);
}

function readGroup(reader: Reader): RegexNode {
  const opening = /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?/.exec(reader.source.slice(reader.at));
  reader.at += opening?.[0].length ?? 1;
  const node = readChoice(reader);
  reader.at++;
  return /^\(\?<?[=!]/.test(opening?.[0] ?? "") ? { kind: "look", node } : node;
}

function readClass(reader: Reader): RegexNode {
  const from = reader.at;
  reader.at++;
  while (reader.source[reader.at] !== "]" && reader.at < reader.source.length) {
    reader.at += reader.source[reader.at] === "\\" ? 2 : 1;
  }
  reader.at++;
  return charNode(reader.source.slice(from, reader.at));
}

/** `\x41`, `\u0041`, `\cA`, or one char after the backslash. */
function escapeAt(source: string, at: number): string {
  const long = /^\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|c[A-Za-z])/.exec(source.slice(at));
  return long?.[0] ?? source.slice(at, at + 2);
}

function charNode(source: string): RegexNode {
  let set: RegExp | undefined;
  try {
    set = new RegExp(`^(?:${source})$`, "s");
  } catch {
    set = undefined; // what cannot stand alone is taken to match anything
  }
  return { kind: "char", has: (char) => set?.test(char) ?? true };
}
