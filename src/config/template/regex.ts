import { type Matcher, RE2JS, RE2JSException } from "re2js";
import type { RegexEngine } from "./funcs.ts";
import { REGEX_LENGTH_MAX } from "./limits.ts";

/** What of an expression's work on a text takes about as long as one step of the executor. */
const INSTRUCTIONS_PER_STEP = 32;

/** `$$`, `$name`, `${name}`; the name is as long as it can be, so that `$1x` is the group `1x`. */
const REFERENCE = /\$(?:(\$)|([_\p{L}\p{Nd}]+)|\{([_\p{L}\p{Nd}]+)\})/gu;

/** Go's Regexp.Expand: the replacement for one match; groups that do not exist are empty. */
function expand(replacement: string, matcher: Matcher, names: Readonly<Record<string, number>>): string {
  return replacement.replace(REFERENCE, (_, dollar?: string, plain?: string, braced?: string) => {
    if (dollar) return "$";
    const name = (plain ?? braced)!;
    const group = /^(?:0|[1-9]\d{0,7})$/.test(name) ? Number(name) : names[name];
    return group !== undefined && group <= matcher.groupCount() ? (matcher.group(group) ?? "") : "";
  });
}

/** Go's Regexp.ReplaceAllString: no empty match right behind another match, and always one character further. */
function replaceMatches(expression: RE2JS, replacement: string, text: string, lengthMax: number): string | undefined {
  const matcher = expression.matcher(text);
  const names = expression.namedGroups() as Readonly<Record<string, number>>;
  let result = "";
  let lastEnd = 0;
  let searchAt = 0;
  while (searchAt <= text.length && matcher.find(searchAt)) {
    const [start, end] = [matcher.start(), matcher.end()];
    result += text.slice(lastEnd, start);
    if (end > lastEnd || start === 0) result += expand(replacement, matcher, names);
    if (result.length > lengthMax) return undefined;
    lastEnd = end;
    const width = (text.codePointAt(searchAt) ?? 0) > 0xffff ? 2 : 1;
    searchAt = Math.max(end, searchAt + width);
  }
  return result + text.slice(lastEnd);
}

/** RE2 through re2js: linear in the text, Go's syntax. */
export const regex: RegexEngine = {
  replaceAll(expression, replacement, text, host) {
    if (expression.length > REGEX_LENGTH_MAX) {
      host.refuse(`the regular expression is longer than ${REGEX_LENGTH_MAX} characters`);
    }
    const compiled = compile(expression);
    if (typeof compiled === "string") return host.refuse(compiled);
    // Compiling takes about as long per instruction as a step does, running far less.
    host.charge(compiled.programSize() * (1 + text.length / INSTRUCTIONS_PER_STEP));
    const replaced = replaceMatches(compiled, replacement, text, host.lengthMax);
    return replaced ?? host.refuse(`the result is longer than ${host.lengthMax} characters`);
  },
};

/** The compiled expression, or what is wrong with it. */
function compile(expression: string): RE2JS | string {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return error.message;
  }
}
