/** Bounds of a configuration. Each is far above what one needs and far below what hurts the container. */

/** Characters (UTF-16 units) of a configuration, before and after rendering. */
export const TEXT_MAX = 2 * 1024 * 1024;

/** Jobs, or watches, of one name: each that waits for one of them waits for all. */
export const SAME_NAME_MAX = 64;

/** Objects and lists inside one another; the deepest key of either dialect is at 6. */
export const DEPTH_MAX = 64;
