/** Bounds of a configuration. Each is far above what one needs and far below what hurts the container. */

/** Characters (UTF-16 units) of a configuration, before and after rendering. */
export const TEXT_MAX = 4 * 1024 * 1024;

/** Objects and lists inside one another; the deepest key of either dialect is at 6. */
export const DEPTH_MAX = 64;
