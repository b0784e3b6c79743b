/** Bounds of the template engine. Each is far above what a configuration needs and far below what hurts the host. */

/** Longest template text, in UTF-16 code units. */
export const TEXT_LENGTH_MAX = 8 * 1024 * 1024;

/** Most nodes and operands of one template. */
export const NODES_MAX = 400_000;

/** Most variables that are in scope at one place; they are looked up one by one. */
export const VARIABLES_MAX = 256;

/** Longest number literal, in characters. */
export const NUMBER_LENGTH_MAX = 1000;

/** Longest rendering, and longest single string value, in UTF-16 code units. */
export const OUTPUT_LENGTH_MAX = 16 * 1024 * 1024;

/**
 * Most steps of one execution. A node, a command, a list element are one step each; a function call costs one more
 * for every STEP_LENGTH code units that it reads or writes, so that few steps on huge strings are bounded as well.
 */
export const STEPS_MAX = 1_000_000;

/** Code units of string work that count as one step. */
export const STEP_LENGTH = 64;

/** Deepest nesting of control structures, parentheses and template calls together (Go: 100 000 calls on a growing stack). */
export const NESTING_MAX = 500;

/** Parse errors after which the parser stops looking for more. */
export const ERRORS_MAX = 20;

/** Longest regular expression, in UTF-16 code units. RE2 bounds repeat counts (1000) and program size itself. */
export const REGEX_LENGTH_MAX = 1000;

/** Widths and precisions that printf honours, as Go's fmt: anything larger is an error in the output. */
export const PRINTF_WIDTH_MAX = 1_000_000;
