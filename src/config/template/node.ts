/** The parse tree. Names follow Go's text/template/parse; offsets are UTF-16 code units in the template's text. */

/** Of an action from the opening `{{` to the end of the closing `}}`, trim markers included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Literal text, without the white space that trim markers took. */
interface TextNode {
  readonly kind: "text";
  readonly span: Span;
  readonly text: string;
}

/** `{{ pipeline }}`: prints the value, unless the pipeline declares or assigns. */
interface ActionNode {
  readonly kind: "action";
  readonly span: Span;
  readonly pipe: PipeNode;
}

/** `{{ if }}`, `{{ with }}`, `{{ range }}`; `span` is the opening action alone. */
export interface BranchNode {
  readonly kind: "if" | "with" | "range";
  readonly span: Span;
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly elseList: ListNode | undefined;
}

/** `{{ template "name" pipeline }}`, also what remains of a `{{ block }}` at its place. */
export interface TemplateNode {
  readonly kind: "template";
  readonly span: Span;
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}

export interface JumpNode {
  readonly kind: "break" | "continue";
  readonly span: Span;
}

export type Node = TextNode | ActionNode | BranchNode | TemplateNode | JumpNode;
export type ListNode = readonly Node[];

/** Commands joined by `|`, perhaps after `$x :=`, `$x =` or, in a range, `$i, $e :=`. */
export interface PipeNode {
  readonly kind: "pipe";
  readonly pos: number;
  readonly assign: boolean;
  readonly decl: readonly string[];
  readonly cmds: readonly CommandNode[];
}

/** A function or value, followed by its arguments; never empty. */
export interface CommandNode {
  readonly pos: number;
  readonly args: readonly [OperandNode, ...OperandNode[]];
}

export type OperandNode =
  | { readonly kind: "identifier"; readonly pos: number; readonly name: string }
  | { readonly kind: "field"; readonly pos: number; readonly names: readonly string[] }
  | { readonly kind: "variable"; readonly pos: number; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: "chain"; readonly pos: number; readonly of: OperandNode; readonly names: readonly string[] }
  | PipeNode
  | { readonly kind: "dot"; readonly pos: number }
  | { readonly kind: "nil"; readonly pos: number }
  | { readonly kind: "bool"; readonly pos: number; readonly value: boolean }
  | { readonly kind: "string"; readonly pos: number; readonly value: string }
  | NumberNode;

/** `value` is what the literal means where no type is asked for; undefined when it overflows int (an execution error). */
export interface NumberNode {
  readonly kind: "number";
  readonly pos: number;
  readonly text: string;
  readonly value: bigint | number | { readonly kind: "complex"; readonly re: number; readonly im: number } | undefined;
}

/** Which lazily loaded parts an execution of the template may call. */
export interface Needs {
  more: boolean;
  regex: boolean;
}

/** v2: ContainerPilot 2.x's functions; v3 adds `env` and `loop`. */
export type Dialect = "v2" | "v3";

/** A template that parses. */
export interface Template {
  readonly text: string;
  readonly dialect: Dialect;
  readonly root: ListNode;
  /** By name, those of `define` and `block`. */
  readonly templates: ReadonlyMap<string, ListNode>;
  readonly needs: Readonly<Needs>;
}
