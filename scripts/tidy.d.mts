/** Faults of the house rules as `path:line: fault`, sorted. `files`: text by path, relative to the repository. */
export function tidy(files: ReadonlyMap<string, string>): string[];

/** Every text file of the work tree that git tracks or would track. */
export function workTree(root: string): Map<string, string>;
