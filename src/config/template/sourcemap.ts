import type { Shrunk } from "./bytes.ts";
import type { Span } from "./node.ts";

/** A variable of the environment that a piece of the rendering was made from. */
export interface VariableRead {
  readonly name: string;
  readonly set: boolean;
  /** Set, but to nothing. */
  readonly empty: boolean;
}

/** An action of the source. */
interface ActionRef extends Span {
  readonly text: string;
}

/** One `if`, `with` or `range` around a piece of the rendering, and how it was decided. */
interface Branch {
  readonly action: ActionRef;
  readonly taken: "then" | "else";
  readonly variables: readonly VariableRead[];
}

/** Where a piece of the rendering comes from. */
export interface Origin {
  /** Literal text, an action that prints, or an `if`, `with`, `range` that printed nothing (see SourceMap.silent). */
  readonly kind: "text" | "action" | "branch";
  /** Offset in the source: of the same character in literal text, of the action's `{{` in generated text. */
  readonly sourceOffset: number;
  /** The action that printed the piece, or nothing; absent in literal text. */
  readonly action?: ActionRef;
  /** The variables that the printed value was made from, in the order in which they were read. */
  readonly variables: readonly VariableRead[];
  /** The control structures around it, the innermost first; empty at top level. */
  readonly branches: readonly Branch[];
}

/** From offsets in the rendering to the source; all in UTF-16 code units. */
export interface SourceMap {
  /** The origin of the character at an offset; of the last one for offsets at or behind the end. */
  at(rendered: number): Origin;
  /**
   * What printed nothing between two offsets (both included): actions with an empty value, branches with an empty body
   * or not taken. That is where a missing value, name or comma would have stood.
   */
  silent(from: number, to: number): readonly Origin[];
}

/** A linked list from the innermost branch outwards, shared by all that stands in it. */
export interface Frame {
  readonly span: Span;
  readonly taken: "then" | "else";
  readonly reads: readonly VariableRead[];
  readonly outer: Frame | undefined;
}

interface Segment {
  readonly kind: Origin["kind"];
  /** Offset of the segment's first character in the rendering. */
  start: number;
  readonly length: number;
  /** In the source: of literal text as much as was rendered, else the action. */
  readonly source: Span;
  readonly reads: readonly VariableRead[];
  readonly frame: Frame | undefined;
}

const NO_READS: readonly VariableRead[] = [];

/** Records, while a template is executed, what each piece of the rendering comes from. */
export class Recorder implements SourceMap {
  readonly #source: string;
  readonly #segments: Segment[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  text(start: number, source: Span, frame: Frame | undefined): void {
    this.#segments.push({ kind: "text", start, length: source.end - source.start, source, reads: NO_READS, frame });
  }

  action(start: number, length: number, source: Span, reads: readonly VariableRead[], frame: Frame | undefined): void {
    this.#segments.push({ kind: "action", start, length, source, reads, frame });
  }

  /** A branch that printed nothing. */
  branch(start: number, source: Span, reads: readonly VariableRead[], frame: Frame | undefined): void {
    // A loop would leave one segment an iteration, all alike.
    const last = this.#segments.at(-1);
    if (last?.kind === "branch" && last.source === source) return;
    this.#segments.push({ kind: "branch", start, length: 0, source, reads, frame });
  }

  /** Follows a rendering that has become shorter at some places. */
  shift(shrunk: Shrunk): void {
    let next = 0;
    let by = 0;
    for (const segment of this.#segments) {
      while (next < shrunk.length && shrunk[next]!.at <= segment.start) by = shrunk[next++]!.by;
      segment.start -= by;
    }
  }

  at(rendered: number): Origin {
    let index = this.#firstAfter(rendered) - 1;
    while (index > 0 && this.#segments[index]!.length === 0) index--;
    const segment = this.#segments[index];
    if (segment) return this.#origin(segment, rendered - segment.start);
    return { kind: "text", sourceOffset: this.#source.length, variables: [], branches: [] };
  }

  silent(from: number, to: number): readonly Origin[] {
    return this.#segments
      .slice(this.#firstAfter(from - 1), this.#firstAfter(to))
      .filter((segment) => segment.length === 0)
      .map((segment) => this.#origin(segment, 0));
  }

  /** Index of the first segment that starts behind the offset. */
  #firstAfter(rendered: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#segments[middle]!.start <= rendered) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #origin({ kind, length, source, reads, frame }: Segment, within: number): Origin {
    const branches: Branch[] = [];
    for (let at = frame; at; at = at.outer) {
      branches.push({ action: this.#ref(at.span), taken: at.taken, variables: at.reads });
    }
    const common = { kind, variables: reads, branches };
    if (kind === "text") return { ...common, sourceOffset: source.start + Math.min(within, length) };
    return { ...common, sourceOffset: source.start, action: this.#ref(source) };
  }

  #ref({ start, end }: Span): ActionRef {
    return { start, end, text: this.#source.slice(start, end) };
  }
}
