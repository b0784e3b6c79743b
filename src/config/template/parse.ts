import { actionAround, Fault, type TemplateError, toError } from "./errors.ts";
import type { Token } from "./lex.ts";
import { TEXT_LENGTH_MAX } from "./limits.ts";
import type { BranchNode, Dialect, JumpNode, ListNode, Node, PipeNode, Span, Template, TemplateNode } from "./node.ts";
import { PipelineParser } from "./pipeline.ts";
import { TokenStream } from "./tokens.ts";

/** `{{ end }}` and `{{ else }}` end a list and are no nodes of the tree. */
interface EndMark {
  readonly kind: "end";
  readonly pos: number;
}

interface ElseMark {
  readonly kind: "else";
  readonly pos: number;
  /** The keyword of an `{{ else if }}` or `{{ else with }}`, which is the next token then. */
  readonly next: "if" | "with" | undefined;
}

type Mark = EndMark | ElseMark;

const ROOT = "";

/**
 * Parses one template text, as Go's text/template/parse does. Go stops at the first fault; this parser goes on behind
 * the action at fault, so that one look at a file shows all of them.
 */
export class Parser {
  readonly #text: string;
  readonly #dialect: Dialect;
  readonly #tokens: TokenStream;
  readonly #pipelines: PipelineParser;
  readonly #templates = new Map<string, ListNode>();
  #rangeDepth = 0;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
    this.#tokens = new TokenStream(text);
    this.#pipelines = new PipelineParser(this.#tokens, dialect);
  }

  /** The template, or all that is wrong with it in the order of the text. */
  parse(): Template | TemplateError[] {
    const { errors } = this.#tokens;
    try {
      if (this.#text.length > TEXT_LENGTH_MAX) {
        throw new Fault("limit", 0, `the text is longer than ${TEXT_LENGTH_MAX} characters`);
      }
      this.#define(ROOT, this.#parse(), 0);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      errors.push(toError(fault, "parse", actionAround(this.#text, fault.at)));
    }
    if (errors.length > 0) return errors.sort((a, b) => a.at - b.at);
    const root = this.#templates.get(ROOT)!;
    const { needs } = this.#pipelines;
    return { text: this.#text, dialect: this.#dialect, root, templates: this.#templates, needs };
  }

  #define(name: string, list: ListNode, pos: number): void {
    const known = this.#templates.get(name);
    if (!known || isEmptyTree(known)) this.#templates.set(name, list);
    else if (!isEmptyTree(list)) {
      this.#tokens.report(new Fault("duplicate-template", pos, `the template "${name}" is defined a second time`));
    }
  }

  /** The whole text: a list that, alone, may hold definitions. */
  #parse(): Node[] {
    const list: Node[] = [];
    for (;;) {
      const token = this.#tokens.recover(() => this.#tokens.next(), undefined);
      if (token?.type === "eof") return list;
      const node = token && this.#tokens.recover(() => this.#topLevel(token), undefined);
      if (node) list.push(node);
    }
  }

  #topLevel(token: Token): Node | undefined {
    if (token.type === "leftDelim" && this.#tokens.peekNonSpace().type === "define") {
      this.#tokens.nextNonSpace();
      this.#parseDefinition(token.pos);
      return undefined;
    }
    const node = this.#textOrAction(token);
    if (node.kind !== "end" && node.kind !== "else") return node;
    throw new Fault("syntax", node.pos, `unexpected \`${node.kind}\`: no \`if\`, \`with\` or \`range\` is open`);
  }

  #parseDefinition(start: number): void {
    const name = this.#tokens.recover(() => {
      const text = this.#pipelines.templateName("`define`");
      this.#tokens.expect("rightDelim", "`define`");
      return text;
    }, undefined);
    const list = this.#tokens.nested(start, () => this.#separateBody("`define`", start));
    if (name !== undefined) this.#define(name, list, start);
  }

  /** The list of a template of its own: it sees no variables of its surroundings and no loop. */
  #separateBody(context: string, start: number): Node[] {
    const vars = this.#pipelines.vars;
    const rangeDepth = this.#rangeDepth;
    this.#pipelines.vars = ["$"];
    this.#rangeDepth = 0;
    const list = this.#body(context, start);
    this.#pipelines.vars = vars;
    this.#rangeDepth = rangeDepth;
    return list;
  }

  /** A list up to `end`, without `else`. */
  #body(context: string, start: number): Node[] {
    const list: Node[] = [];
    for (;;) {
      const [part, mark] = this.#itemList(context, start);
      for (const node of part) list.push(node);
      if (mark.kind === "end") return list;
      this.#tokens.report(new Fault("syntax", mark.pos, `unexpected \`else\` in ${context}`));
    }
  }

  #itemList(context: string, start: number): [Node[], Mark] {
    const list: Node[] = [];
    for (;;) {
      const token = this.#tokens.recover(() => this.#tokens.next(), undefined);
      if (token?.type === "eof") throw new Fault("missing-end", start, `${context} has no \`end\``);
      const node = token && this.#tokens.recover(() => this.#textOrAction(token), undefined);
      if (node?.kind === "end" || node?.kind === "else") return [list, node];
      if (node) list.push(node);
    }
  }

  #textOrAction(token: Token): Node | Mark {
    this.#tokens.countNode(token.pos);
    if (token.type === "text") {
      return { kind: "text", span: { start: token.pos, end: token.pos + token.text.length }, text: token.text };
    }
    if (token.type !== "leftDelim") return this.#tokens.unexpected(token, "the text");
    return this.#action(token.pos);
  }

  #action(start: number): Node | Mark {
    const token = this.#tokens.nextNonSpace();
    switch (token.type) {
      case "block":
        return this.#tokens.nested(start, () => this.#blockControl(start));
      case "else":
        return this.#elseControl(start);
      case "end":
        this.#tokens.recover(() => this.#tokens.expect("rightDelim", "`end`"), undefined);
        return { kind: "end", pos: start };
      case "if":
      case "with":
      case "range": {
        const kind = token.type;
        return this.#tokens.nested(start, () => this.#branchControl(kind, start));
      }
      case "template":
        return this.#templateControl(start);
      case "break":
      case "continue":
        return this.#jumpControl(token.type, start);
      default: {
        this.#tokens.backup(token);
        const pipe = this.#pipelines.pipeline("the action", "rightDelim");
        return { kind: "action", span: this.#span(start), pipe };
      }
    }
  }

  #span(start: number): Span {
    return { start, end: this.#tokens.actionEnd };
  }

  #branchControl(kind: BranchNode["kind"], start: number): BranchNode {
    const context = `\`${kind}\``;
    const vars = this.#pipelines.vars.length;
    const pipe = this.#tokens.recover(() => this.#pipelines.pipeline(context, "rightDelim"), NO_PIPE);
    const span = this.#span(start);
    if (kind === "range") this.#rangeDepth++;
    const [list, mark] = this.#itemList(context, start);
    if (kind === "range") this.#rangeDepth--;
    let elseList: ListNode | undefined;
    if (mark.kind === "else" && mark.next === kind) {
      // `{{ else if }}` is an `if` in an `else`, and one `{{ end }}` ends both.
      this.#tokens.nextNonSpace();
      elseList = [this.#tokens.nested(mark.pos, () => this.#branchControl(kind, mark.pos))];
    } else if (mark.kind === "else") elseList = this.#body(`\`else\` of ${context}`, mark.pos);
    // Go forgets the variables of both lists at the end only: one of the first list parses in the second.
    this.#pipelines.vars.length = vars;
    return { kind, span, pipe, list, elseList };
  }

  #elseControl(start: number): ElseMark {
    const next = this.#tokens.recover(() => {
      const token = this.#tokens.peekNonSpace();
      if (token.type === "if" || token.type === "with") return token.type;
      this.#tokens.expect("rightDelim", "`else`");
      return undefined;
    }, undefined);
    return { kind: "else", pos: start, next };
  }

  #jumpControl(kind: JumpNode["kind"], start: number): JumpNode {
    this.#tokens.expect("rightDelim", `\`${kind}\``);
    if (this.#rangeDepth === 0) this.#tokens.report(new Fault("syntax", start, `\`${kind}\` outside of \`range\``));
    return { kind, span: this.#span(start) };
  }

  #blockControl(start: number): TemplateNode {
    const context = "`block`";
    const header = this.#tokens.recover(() => {
      const name = this.#pipelines.templateName(context);
      return { name, pipe: this.#pipelines.pipeline(context, "rightDelim") };
    }, undefined);
    const span = this.#span(start);
    const list = this.#separateBody(context, start);
    if (header) this.#define(header.name, list, start);
    return { kind: "template", span, name: header?.name ?? "", pipe: header?.pipe };
  }

  #templateControl(start: number): TemplateNode {
    const context = "`template`";
    const name = this.#pipelines.templateName(context);
    const token = this.#tokens.nextNonSpace();
    if (token.type === "rightDelim") return { kind: "template", span: this.#span(start), name, pipe: undefined };
    this.#tokens.backup(token);
    const pipe = this.#pipelines.pipeline(context, "rightDelim");
    return { kind: "template", span: this.#span(start), name, pipe };
  }
}

const NO_PIPE: PipeNode = { kind: "pipe", pos: 0, assign: false, decl: [], cmds: [] };

/** Whether a template is nothing but white space: then a later definition of the same name replaces it. */
function isEmptyTree(list: ListNode): boolean {
  return list.every((node) => node.kind === "text" && node.text.trim() === "");
}
