/**
 * `cpctl schema`: a JSON Schema (2020-12) of a dialect, made from the tables that the decoder reads by. What the decoder
 * accepts without a warning of a list that is none, the schema accepts; rules between several keys are the decoder's alone,
 * but for the commonest.
 */
import type { Kind, Table } from "../config/decode.ts";
import { V2 } from "../config/v2/keys.ts";
import { V3 } from "../config/v3/keys.ts";
import { describeKey, TITLES } from "./descriptions.ts";

export type Schema = { readonly [key: string]: unknown };
export type Dialect = "v2" | "v3";

const TABLES: Readonly<Record<Dialect, Table>> = { v2: V2, v3: V3 };
const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** One dialect, or without one either of them. */
export function schemaOf(dialect?: Dialect): Schema {
  if (dialect !== undefined) return { $schema: DRAFT, title: TITLES[dialect], ...rootOf(dialect) };
  return {
    $schema: DRAFT,
    title: TITLES.both,
    anyOf: [{ $ref: "#/$defs/v2" }, { $ref: "#/$defs/v3" }],
    $defs: { v2: { title: TITLES.v2, ...rootOf("v2") }, v3: { title: TITLES.v3, ...rootOf("v3") } },
  };
}

/** At the top the case of a key counts, and one catalog is enough. */
function rootOf(dialect: Dialect): Schema {
  const { patternProperties: _, allOf: __, ...root } = objectOf(TABLES[dialect], dialect, "");
  const pairs = [
    ["consul", "etcd"],
    ["consul", "directory"],
    ["etcd", "directory"],
  ];
  return { ...root, not: { anyOf: pairs.map((required) => ({ required })) } };
}

const NULL: Schema = { type: "null" };
const SCALAR: Schema = { type: ["string", "number", "boolean"] };

/** A value of one kind. Nothing but a key that has to be there may not be null. */
function valueSchema(kind: Kind, dialect: Dialect, path: string): Schema {
  const alternatives = alternativesOf(kind, dialect, path);
  if (!kind.need) alternatives.push(NULL);
  const schema = alternatives.length === 1 ? (alternatives[0] as Schema) : { anyOf: alternatives };
  const description = describeKey(dialect, path);
  const fallback = "or" in kind && kind.or !== undefined && kind.t !== "map" ? { default: kind.or } : {};
  return { ...(description && { description }), ...fallback, ...schema };
}

function alternativesOf(kind: Kind, dialect: Dialect, path: string): Schema[] {
  switch (kind.t) {
    case "int":
      return integer(kind.min);
    case "text":
      return text(kind);
    case "bool":
      return [{ type: ["boolean", "number"] }, { enum: [...BOOLEANS] }];
    case "texts":
      return textLists();
    case "oneOrMore":
      return kind.listOnly ? textLists() : [{ type: "string" }, { type: "array" }];
    case "command":
      return [
        { type: "string", minLength: 1 },
        { type: "array", minItems: 1 },
      ];
    case "span":
      return span(kind);
    case "restarts":
      return [
        { type: "number", minimum: 0 },
        { type: "string", pattern: "^(unlimited|never|\\+?\\d+)$" },
      ];
    case "map":
      return [objectOf(kind.keys, dialect, path)];
    case "list":
      return [{ type: "array", items: { anyOf: [objectOf(kind.keys, dialect, `${path}[]`), NULL] } }];
    case "textOrMap":
      return [{ type: "string" }, objectOf(kind.keys, dialect, path)];
    case "falseOrMap":
      return [{ const: false }, objectOf(kind.keys, dialect, path)];
    case "signals":
      return [{ type: "object", propertyNames: SIGNAL_NAMES, additionalProperties: DEEDS }];
    case "codes":
      return [{ type: "object", propertyNames: EXIT_CODE, additionalProperties: { anyOf: [EXIT_CODE, EXIT_NUMBER] } }];
    case "ignored":
      return [{ deprecated: true }];
    default:
      return kind satisfies never;
  }
}

const BOOLEANS = ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False", ""];

function textLists(): Schema[] {
  return [
    { type: "array", items: { anyOf: [SCALAR, NULL] } },
    { type: "object", maxProperties: 0 },
  ];
}

/** Numbers lose their fraction; texts are integers as Go writes them; true counts as 1. */
function integer(min: number | undefined): Schema[] {
  if (min === undefined) return [{ type: ["integer", "number", "boolean"] }, { type: "string", pattern: INTEGER }];
  return [{ type: "number", minimum: min }, { const: true }, { type: "string", pattern: POSITIVE }];
}

const INTEGER = "^[+-]?(0[xX][\\da-fA-F]+|0[0-7]*|[1-9]\\d*)$";
const POSITIVE = "^\\+?(0[xX]0*[1-9a-fA-F][\\da-fA-F]*|0[0-7]*[1-7][0-7]*|[1-9]\\d*)$";

function text(kind: Extract<Kind, { t: "text" }>): Schema[] {
  if (kind.name) return [{ type: "string", minLength: 1 }, { type: ["number", "boolean"] }];
  if (!kind.words) return [SCALAR];
  const words = kind.anyCase ? [{ type: "string", pattern: `^(${kind.words.map(anyCase).join("|")})$` }] : [];
  const blank = kind.blank || kind.or !== undefined ? [{ const: "" }] : [];
  return [{ enum: kind.words }, ...words, ...blank];
}

function span(kind: Extract<Kind, { t: "span" }>): Schema[] {
  const sign = kind.min === undefined ? "[+-]?" : "\\+?";
  const parts = "((\\d+\\.?\\d*|\\.\\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+";
  const bare = kind.unit ? "0+" : "\\d+";
  const pattern = `^${kind.need ? "" : "$|^"}${sign}(${bare}|${parts})$`;
  const number = { type: "integer", ...(kind.min !== undefined && { minimum: kind.min }) };
  return [{ type: "string", pattern }, ...(kind.unit ? [{ enum: [0, false] }] : [number, { type: "boolean" }])];
}

const SIGNAL_NAMES: Schema = { pattern: "^([sS][iI][gG])?[a-zA-Z][a-zA-Z0-9]*([+-]\\d+)?$" };
const DEEDS: Schema = {
  anyOf: [
    { enum: ["stop", "reload", "maintenance", "reopen", "event", "ignore", "forward"] },
    { type: "string", pattern: "^forward:" },
  ],
};
const EXIT_CODE: Schema = { type: "string", pattern: "^\\d{1,3}$" };
const EXIT_NUMBER: Schema = { type: "integer", minimum: 0, maximum: 255 };

/** An object with the keys of a table, each also in other cases, as the decoder finds them. */
function objectOf(keys: Table, dialect: Dialect, path: string): Schema {
  const entries = Object.entries(keys).map(([key, kind]) => {
    const inside = path === "" ? key : `${path}.${key}`;
    return [key, kind, valueSchema(kind, dialect, inside)] as const;
  });
  const strict = (kind: Kind): boolean => kind.with === undefined && kind.unless === undefined;
  const properties = Object.fromEntries(
    entries.map(([key, kind, value]) => [key, strict(kind) ? value : describedOnly(value)]),
  );
  const required = entries.filter(([, kind]) => kind.need).map(([key]) => hasKey(key));
  const conditional = entries.flatMap(([key, kind, value]) => (strict(kind) ? [] : [onlyWhere(key, kind, value)]));
  const rules = [...required, ...conditional, ...rulesOf(path)];
  return {
    type: "object",
    properties,
    patternProperties: Object.fromEntries(
      entries.map(([key, kind, value]) => [`^${anyCase(key)}$`, strict(kind) ? bare(value) : true]),
    ),
    additionalProperties: false,
    ...(rules.length > 0 && { allOf: rules }),
  };
}

function bare({ description: _, default: __, ...schema }: Schema): Schema {
  return schema;
}

function describedOnly({ description }: Schema): Schema | true {
  return description === undefined ? true : { description };
}

/** The key is there, in whatever case. */
function hasKey(key: string): Schema {
  return { anyOf: [{ required: [key] }, { not: { propertyNames: { not: { pattern: `^${anyCase(key)}$` } } } }] };
}

/** A key that counts only with, or without, another. */
function onlyWhere(key: string, kind: Kind, value: Schema): Schema {
  const other = (kind.with ?? kind.unless) as string;
  const set = { required: [other], properties: { [other]: { not: { enum: [0, "0", false, null, ""] } } } };
  const unset = { not: hasKey(other) };
  return implies(kind.with === undefined ? unset : set, { properties: { [key]: bare(value) } });
}

function implies(condition: Schema, consequence: Schema): Schema {
  return { anyOf: [{ not: condition }, consequence] };
}

/** What an advertised job must have. */
function rulesOf(path: string): Schema[] {
  if (path !== "jobs[]") return [];
  const advertised = { required: ["port"], properties: { port: { type: "integer", minimum: 1 } } };
  const telemetry = { required: ["name"], properties: { name: { const: "containerpilot" } } };
  return [implies({ allOf: [advertised, { not: telemetry }] }, hasKey("health"))];
}

/** A pattern for a word in any case. */
function anyCase(word: string): string {
  return [...word]
    .map((letter) => (/[a-z]/i.test(letter) ? `[${letter.toLowerCase()}${letter.toUpperCase()}]` : letter))
    .join("");
}
