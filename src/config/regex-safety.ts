// Tells whether a regular expression may backtrack without end: it runs on a thread that carries other
// calls, and nothing can interrupt it. Pure; runs anywhere. Rather strict than clever: what it cannot see
// to be harmless it refuses, and says how to write it instead.

import { parseRegex } from "./regex-syntax.ts";
import type { RegexNode } from "./regex-syntax.ts";

/** A text is searched in pieces of this many chars (workers/guardrails/pattern-search.ts). */
const pieceChars = 2048;
/** Steps that one piece may take at worst: about a tenth of a second. */
const stepsMax = 1e8;

/** Why the pattern is refused; undefined when it is harmless. The source must be one that `new RegExp` takes. */
export function findBacktracking(source: string): string | undefined {
  const tree = parseRegex(source);
  return findIn(tree) ?? findRuns(tree);
}

function findIn(node: RegexNode): string | undefined {
  switch (node.kind) {
    case "char":
    case "empty":
      return undefined;
    case "reference":
      return "refers back to a group";
    case "look":
      return findIn(node.node);
    case "choice":
      return firstOf(node.nodes);
    case "sequence":
      return firstOf(node.nodes);
    case "repeat":
      return (node.max > 2 ? findInLoop(node.node) : undefined) ?? findIn(node.node);
  }
}

function firstOf(nodes: readonly RegexNode[]): string | undefined {
  for (const node of nodes) {
    const found = findIn(node);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is repeated must have only one way to take the same text. */
function findInLoop(body: RegexNode): string | undefined {
  if (body.kind === "char") return undefined;
  if (isNullable(body)) return "repeats something that may be empty";
  if (hasOverlappingChoice(body)) return "repeats a choice whose branches can begin alike";
  const branches = body.kind === "choice" ? body.nodes : [body];
  return branches.every(isUnambiguous) ? undefined : "repeats a repeat";
}

/** Either nothing in it varies, or where it does shows by the chars around it, which nothing that varies takes. */
function isUnambiguous(body: RegexNode): boolean {
  if (!varies(body)) return true;
  const nodes = flatten(body);
  const stands = (node: RegexNode): boolean =>
    node.kind === "char" && nodes.every((other) => other.kind === "char" || !overlaps(node, other));
  const isFence = (node: RegexNode): boolean =>
    stands(node) && nodes.every((other) => stands(other) || !overlaps(node, other));
  if (!nodes.some(isFence)) {
    return nodes.every((node, at) => !varies(node) || (isOptional(node) && isAlone(nodes, at)));
  }
  return betweenFences(nodes, isFence).every(
    (part) =>
      part.filter(varies).length <= 1 ||
      part.every((node, at) => !varies(node) || isAlone(part, at)),
  );
}

function isAlone(nodes: readonly RegexNode[], at: number): boolean {
  const node = nodes[at];
  return nodes.every(
    (other, place) => place === at || node === undefined || !overlaps(node, other),
  );
}

/** The end of one round and the beginning of the next are one part. */
function betweenFences(
  nodes: readonly RegexNode[],
  isFence: (node: RegexNode) => boolean,
): RegexNode[][] {
  const parts: RegexNode[][] = [[]];
  for (const node of nodes) {
    if (isFence(node)) parts.push([]);
    else parts.at(-1)?.push(node);
  }
  const [first = [], ...rest] = parts;
  return [...rest.slice(0, -1), [...(rest.at(-1) ?? []), ...first]];
}

function isOptional(node: RegexNode): boolean {
  return node.kind === "repeat" && node.max === 1 && !varies(node.node);
}

function varies(node: RegexNode): boolean {
  switch (node.kind) {
    case "repeat":
      return node.min !== node.max || varies(node.node);
    case "sequence":
    case "choice":
      return node.nodes.some(varies);
    case "look":
      return varies(node.node);
    default:
      return false;
  }
}

/** The parts of a sequence, those of the sequences in it among them, and twice those of what may come twice. */
function flatten(node: RegexNode): readonly RegexNode[] {
  if (node.kind === "repeat" && node.max === 2 && varies(node.node)) {
    const once = flatten(node.node);
    return [...once, ...once];
  }
  return node.kind === "sequence" ? node.nodes.flatMap(flatten) : [node];
}

function hasOverlappingChoice(node: RegexNode): boolean {
  if (node.kind === "repeat" || node.kind === "look") return hasOverlappingChoice(node.node);
  if (node.kind === "sequence") return node.nodes.some(hasOverlappingChoice);
  if (node.kind !== "choice") return false;
  const isAlike = node.nodes.some((left, at) =>
    node.nodes
      .slice(at + 1)
      .some((right) => sample.some((char) => begins(left, char) && begins(right, char))),
  );
  return isAlike || node.nodes.some(hasOverlappingChoice);
}

interface Run {
  /** Absent for the search itself, which begins anew at every char. */
  readonly loop: RegexNode | undefined;
  readonly lengthMax: number;
  /** The chars that must stand between this loop and the next. */
  readonly fences: RegexNode[];
}

/** Loops whose ends multiply: each can end at many places, and from each the next runs over the same chars. */
function findRuns(node: RegexNode): string | undefined {
  if (node.kind === "choice") {
    for (const branch of node.nodes) {
      const found = findRuns(branch);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  let run: Run[] = [{ loop: undefined, lengthMax: pieceChars, fences: [] }];
  let steps = 1;
  for (const part of flatten(node)) {
    const length = loopLength(part);
    // Loops at the very end cost nothing: nothing after them can fail.
    if (steps > stepsMax && !isNullable(part, { anchors: false })) return tooManySteps;
    if (length > 1) {
      run = run.filter(({ fences }) => fences.every((fence) => overlaps(part, fence)));
      const next = { loop: part, lengthMax: length, fences: [] };
      const alike = run.filter(({ loop }) => loop === undefined || overlaps(loop, part));
      steps = Math.max(steps, stepsOf([...alike, next]));
      run.push(next);
    } else {
      const fence = fenceOf(part);
      if (fence === undefined) continue;
      run = run.filter(({ loop }) => loop === undefined || overlaps(loop, fence));
      for (const { fences } of run) fences.push(fence);
    }
  }
  return undefined;
}

const tooManySteps = "has repeats one after another that match the same";

function stepsOf(run: readonly Run[]): number {
  let steps = 1;
  for (const [at, { lengthMax, fences }] of run.entries()) {
    const between = fences.length - (run[at + 1]?.fences.length ?? 0);
    steps *= Math.max(1, lengthMax / Math.max(1, between)) / (at + 1);
  }
  return steps;
}

/** How many chars a part may take in how many ways: 1 for one that does not vary. */
function loopLength(node: RegexNode): number {
  switch (node.kind) {
    case "repeat": {
      const inner = Math.max(1, loopLength(node.node));
      const times = node.min === node.max ? 1 : Math.min(node.max, pieceChars);
      return Math.min(pieceChars, times * inner);
    }
    case "sequence":
      return Math.min(
        pieceChars,
        node.nodes.map(loopLength).reduce((left, right) => left * right, 1),
      );
    case "choice":
      return Math.max(1, ...node.nodes.map(loopLength));
    case "look":
      return loopLength(node.node);
    default:
      return 1;
  }
}

function fenceOf(node: RegexNode): RegexNode | undefined {
  if (node.kind === "char") return node;
  return node.kind === "repeat" && node.min > 0 ? fenceOf(node.node) : undefined;
}

/** Whether it can match without taking a char; `anchors: false`: and without a condition on its place. */
function isNullable(
  node: RegexNode,
  options: { readonly anchors: boolean } = { anchors: true },
): boolean {
  switch (node.kind) {
    case "char":
      return false;
    case "repeat":
      return node.min === 0 || isNullable(node.node, options);
    case "sequence":
      return node.nodes.every((child) => isNullable(child, options));
    case "choice":
      return node.nodes.some((child) => isNullable(child, options));
    default:
      return options.anchors;
  }
}

/** Whether both can take the same char. */
function overlaps(left: RegexNode, right: RegexNode): boolean {
  return sample.some((char) => takes(left, char) && takes(right, char));
}

function takes(node: RegexNode, char: string): boolean {
  switch (node.kind) {
    case "char":
      return node.has(char);
    case "repeat":
      return takes(node.node, char);
    case "sequence":
    case "choice":
      return node.nodes.some((child) => takes(child, char));
    default:
      return false;
  }
}

function begins(node: RegexNode, char: string): boolean {
  switch (node.kind) {
    case "char":
      return node.has(char);
    case "repeat":
      return begins(node.node, char);
    case "choice":
      return node.nodes.some((child) => begins(child, char));
    case "sequence":
      for (const child of node.nodes) {
        if (begins(child, char)) return true;
        if (!isNullable(child)) return false;
      }
      return false;
    default:
      return false;
  }
}

/** Sets are compared by what they say of these: all of Latin-1, and a few from elsewhere. */
const sample: readonly string[] = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  "Ā",
  "ſ",
  "ş",
  "ά",
  "\u2028",
  "€",
  "日",
  "한",
  "\ud83d",
];
