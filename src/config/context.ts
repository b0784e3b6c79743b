/** What a dialect's decoder knows besides the configuration. */
import type { Address, Selector } from "./interfaces.ts";
import type { Problems } from "./problems.ts";
import type { Source } from "./source.ts";

export interface Context {
  source: Source;
  /** Application words of the command line, as given. */
  words: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  hostname: string;
  /** The program's own version: ContainerPilot 3 advertises it as a tag of its telemetry. */
  version: string;
  /** The container's addresses, asked for only where a selector needs them. */
  addresses: () => readonly Address[];
  /** For a tool that chooses later: what stands for the address of these selectors. */
  addressOf: ((selectors: readonly Selector[]) => string) | undefined;
  /** This is not the container: an address that no selector finds is only warned about. */
  elsewhere: boolean;
  problems: Problems;
  /** Renders one application word with these further variables; rejects with the reason. */
  render: (word: string, more: Readonly<Record<string, string>>) => Promise<string>;
}
