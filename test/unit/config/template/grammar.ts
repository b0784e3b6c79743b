import fc from "fast-check";

/** The environment of random templates; no template names a variable that is missing in it. */
export const ENV = { A: "abc", B: "", N: "3", U: "né😀", Q: `"<&'>\\`, S: " x y\t" };

/** A lone surrogate cannot be handed to WebAssembly. */
const wellFormed = (text: string): string => text.replace(/[\uD800-\uDFFF]/gu, "\ufffd");

const pick = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const join = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
    .map((texts) => texts.join(""));

const integer = fc.oneof(
  pick(
    "0",
    "1",
    "-1",
    "3",
    "42",
    "-7",
    "255",
    "0x1F",
    "0b11",
    "0o17",
    "010",
    "1_000",
    "9223372036854775807",
    "'a'",
    "'\\n'",
  ),
  fc.integer({ min: -100_000, max: 100_000 }).map(String),
);
const float = fc.oneof(
  pick("0.5", "1.0", "-0.0", "1e6", "1.5e-7", "123456.789", "0x1p-2", "1e21", "2.5", "-3.25"),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => {
    const text = String(value);
    return /[.e]/.test(text) ? text : `${text}.0`;
  }),
);
const string = fc.oneof(
  pick(
    '""',
    '"a"',
    '"abc"',
    '"é\\t\\"x"',
    "`raw\\n`",
    '"\\x41\\u00e9"',
    "\"<a href='b'>&amp;\"",
    '"%d %s"',
    '"\\xff\\xc3"',
  ),
  // No characters that are new in Unicode: what prints depends on the version that each side knows.
  fc
    .string({ unit: pick(..."abz019 _-%$|(){}[]<>&'\"\\/\n\t\0\x7fßéñЖ世\u200b\u00ad\u2028😀"), maxLength: 6 })
    .map((text) => JSON.stringify(wellFormed(text))),
);
const literal = fc.oneof(integer, float, string, pick("true", "false", "nil", "2i", "1+2i"));
const operand = fc.oneof(
  { weight: 3, arbitrary: literal },
  { weight: 4, arbitrary: pick(".A", ".B", ".N", ".U", ".Q", ".S", "$.A", "$.N", ".", "$", "$v") },
);

const flags = fc.subarray(["+", "-", "#", "0", " "]).map((chosen) => chosen.join(""));
const width = pick("", "", "1", "5", "12", "*", "[1]*", "[2]");
const precision = pick("", "", ".", ".0", ".1", ".3", ".10", ".*");
const verb = pick(..."vdsqxXoObcUeEfFgGtTw%z");
/** %T and %#v show types, and the environment's is another one in Go's hands. */
const directive = join("%", flags, width, precision, verb).filter((text) => !/T|#.*v/.test(text));
const format = fc
  .array(fc.oneof(directive, pick(" ", "a", "|", "%%", "%[1]d", "%[2]v", "%", "é")), { maxLength: 4 })
  .map((parts) => JSON.stringify(parts.join("")));

/** Expressions by the type of their value, so that most templates get past their first action. */
const {
  text: textual,
  whole,
  truth,
  any,
} = fc.letrec<Record<"text" | "whole" | "truth" | "any" | "wild", string>>((tie) => {
  const inner = (name: "text" | "whole" | "truth" | "any") => join("(", tie(name), ")");
  return {
    text: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      fc.oneof(string, pick(".A", ".B", ".U", ".Q", ".S", "$.A", "$.N")),
      join(pick("print", "html", "js", "urlquery", "println"), " ", inner("any")),
      join(tie("text"), " | ", pick("print", "html", "js", "urlquery", 'printf "%v"', 'printf "%5.2v|"', "print .A")),
      join("print ", inner("any"), " ", inner("any"), " ", literal),
      join("printf ", format, " ", inner("any"), " ", inner("any")),
      join("printf ", format, " ", literal, " ", literal),
      join("slice ", inner("text"), pick("", " 0", " 0 1", " 1", " 2 1")),
      join("slice .U ", pick("1", "1 2", "0 3", "3")),
      join("or ", inner("text"), " ", inner("text")),
    ),
    whole: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      integer,
      join("len ", inner("text")),
      join("index ", inner("text"), " 0"),
      join(tie("text"), " | len"),
      join("and ", inner("whole"), " ", inner("whole")),
    ),
    truth: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      pick("true", "false", "not .B", "not .A", ".A", ".B"),
      join(pick("eq", "ne", "lt", "le", "gt", "ge"), " ", inner("text"), " ", inner("text")),
      join(pick("eq", "ne", "lt", "le", "gt", "ge"), " ", inner("whole"), " ", inner("whole")),
      join(pick("eq", "lt", "ge"), " ", float, " ", float),
      join("eq ", literal, " ", literal, " ", literal),
      join("not ", inner("any")),
      join(pick("and", "or"), " ", inner("truth"), " ", inner("any")),
    ),
    any: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { weight: 3, arbitrary: tie("text") },
      { weight: 2, arbitrary: tie("whole") },
      { weight: 2, arbitrary: tie("truth") },
      { weight: 2, arbitrary: literal },
      { weight: 1, arbitrary: tie("wild") },
    ),
    wild: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      operand,
      join(pick("len", "not", "slice", "eq", "lt", "call", "printf"), " ", operand, " ", operand),
      join("(", tie("any"), ")", pick("", ".A", " 1")),
      join(tie("any"), " | ", operand),
    ),
  };
});

/** printf with the environment itself: its error forms name the type, which is another one in Go's hands. */
const SHOWS_TYPE = /printf.*[( ][.$][) ]/s;

/** One action that prints. */
export const printing: fc.Arbitrary<string> = any
  .map((body) => wellFormed(`{{ ${body} }}`))
  .filter((whole) => !SHOWS_TYPE.test(whole));

const expression = fc.oneof({ weight: 9, arbitrary: fc.oneof(textual, whole, truth) }, { weight: 1, arbitrary: any });

const open = pick("{{ ", "{{", "{{- ", "{{\n");
const close = pick(" }}", "}}", " -}}", "\n}}");
const action = (body: fc.Arbitrary<string>): fc.Arbitrary<string> => join(open, body, close);
const text = pick("", "x", " ", "\n  ", "{ }", "\t{", "} \n", "é ");

const { list } = fc.letrec<{ list: string; node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text,
    action(expression),
    join("{{/* note */}}", text),
    action(join("$v := ", expression)),
    action(join("$v = ", expression)),
    join(action(join("if ", expression)), tie("list"), "{{ end }}"),
    join(action(join("if ", expression)), tie("list"), action(pick("else")), tie("list"), "{{ end }}"),
    join(action(join("if ", expression)), tie("list"), action(join("else if ", expression)), tie("list"), "{{ end }}"),
    join(action(join("with ", pick("", "$w := "), expression)), tie("list"), "{{ else }}", tie("list"), "{{end}}"),
    join(
      action(
        join("range ", pick("", "$v := ", "$i, $v := ", "$v = "), pick("3", "0", ".", "$", ".N", "nil", "(len .U)")),
      ),
      tie("list"),
      pick("", "{{ break }}", "{{ continue }}", "{{ if $v }}{{ break }}{{ end }}"),
      tie("list"),
      pick("", "{{ else }}none"),
      "{{ end }}",
    ),
    join(action(join('template "t" ', pick("", ".", ".A", "$v", "1"))), text),
    join('{{ block "b" ', operand, " }}", tie("list"), "{{ end }}"),
  ),
  list: fc.array(tie("node"), { maxLength: 4 }).map((nodes) => nodes.join("")),
}));

/** Whole templates: mostly well-formed, sometimes with one character too many or too few. */
export const template: fc.Arbitrary<string> = fc
  .tuple(
    list,
    pick('{{ define "t" }}[{{ . }}]{{ end }}', '{{define "t"}}{{ $ }}{{ if . }}y{{ end }}{{end}}', ""),
    fc.nat(),
    fc.nat({ max: 19 }),
  )
  .map(([body, definition, at, mode]) => {
    const whole = `{{ $v := "v" }}${body}${definition}`;
    const place = at % (whole.length + 1);
    if (mode === 0) return whole.slice(0, place) + whole.slice(place + 1);
    if (mode === 1) return whole.slice(0, place) + '{}|$."( -'.charAt(at % 9) + whole.slice(place);
    return whole;
  })
  .map(wellFormed)
  // Its main template has a name, so that one with the empty name is no second definition.
  .filter((whole) => !/(?:define|block) *""/.test(whole) && !SHOWS_TYPE.test(whole));
