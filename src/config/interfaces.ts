/** Which of the container's addresses a service advertises: the originals' interface selectors. */
import { networkInterfaces } from "node:os";

export interface Address {
  /** Name of the interface. */
  name: string;
  address: string;
}

/** All addresses of this network namespace. */
export function systemAddresses(): readonly Address[] {
  const all: Address[] = [];
  for (const [name, list] of Object.entries(networkInterfaces())) {
    for (const { address } of list ?? []) all.push({ name, address });
  }
  return all;
}

export type Selector =
  | { t: "named"; name: string; family: 4 | 6 }
  | { t: "indexed"; name: string; index: number }
  | { t: "network"; bytes: readonly number[]; bits: number }
  | { t: "any"; family: 4 | 6 }
  | { t: "static"; address: string }
  /** First IPv4 address outside the private networks: Containerbuddy's `publicIp`. */
  | { t: "public" };

/** Reads a selector; undefined: not one. Dots and dashes in names are accepted, which the originals could not read. */
export function parseSelector(spec: string): Selector | undefined {
  if (spec === "inet") return { t: "any", family: 4 };
  if (spec === "inet6") return { t: "any", family: 6 };
  if (spec.startsWith("static:")) {
    const bytes = toBytes(spec.slice(7));
    return bytes && { t: "static", address: toText(bytes) };
  }
  const network = /^(.+)\/(\d{1,3})$/.exec(spec);
  if (network) return parseNetwork(network[1] as string, Number(network[2]));
  if (toBytes(spec)) return undefined;
  const named = /^([\w.-]+?)(?:\[(\d+)\]|:(inet6?))?$/.exec(spec);
  if (!named) return undefined;
  const name = named[1] as string;
  if (named[2] !== undefined) return { t: "indexed", name, index: Number(named[2]) };
  return { t: "named", name, family: named[3] === "inet6" ? 6 : 4 };
}

function parseNetwork(address: string, bits: number): Selector | undefined {
  const bytes = toBytes(address);
  if (!bytes) return undefined;
  const v4 = !address.includes(":");
  return bits > (v4 ? 32 : 128) ? undefined : { t: "network", bytes, bits: v4 ? bits + 96 : bits };
}

/** The first address that the first matching selector finds, in the originals' order: by interface name, then by address. */
export function selectAddress(selectors: readonly Selector[], all: readonly Address[]): string | undefined {
  for (const selector of selectors) {
    if (selector.t === "static") return selector.address;
    const sorted = sortedOf(all);
    const found =
      selector.t === "indexed"
        ? sorted.filter(({ name }) => name === selector.name)[selector.index]
        : sorted.find((candidate) => matches(selector, candidate));
    if (found) return toText(found.bytes);
  }
  return undefined;
}

/** Lists that were sorted already: all services of a configuration choose from the same one. */
const SORTED = new WeakMap<readonly Address[], readonly Found[]>();

function sortedOf(all: readonly Address[]): readonly Found[] {
  let sorted = SORTED.get(all);
  if (!sorted) {
    sorted = all
      .map(({ name, address }) => ({ name, bytes: toBytes(address.replace(/%.*/, "")) ?? [] }))
      .filter(({ bytes }) => bytes.length > 0)
      .sort((a, b) => (a.name === b.name ? compare(a.bytes, b.bytes) : a.name < b.name ? -1 : 1));
    SORTED.set(all, sorted);
  }
  return sorted;
}

type Found = { name: string; bytes: readonly number[] };

function matches(selector: Exclude<Selector, { t: "static" | "indexed" }>, { name, bytes }: Found): boolean {
  switch (selector.t) {
    case "named":
      return name === selector.name && isV4(bytes) === (selector.family === 4);
    case "any":
      return isV4(bytes) === (selector.family === 4) && !isLoopback(bytes);
    case "public":
      return isV4(bytes) && !PRIVATE.some(([net, bits]) => inside(bytes, toBytes(net) as number[], bits + 96));
    case "network":
      return inside(bytes, selector.bytes, selector.bits);
    default:
      return selector satisfies never;
  }
}

const PRIVATE: readonly (readonly [string, number])[] = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["127.0.0.0", 8],
];

function inside(bytes: readonly number[], network: readonly number[], bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = 0xff00 >> Math.min(8, bits - bit);
    if (((bytes[bit / 8] as number) & mask & 0xff) !== ((network[bit / 8] as number) & mask & 0xff)) return false;
  }
  return isV4(bytes) === (isV4(network) && bits >= 96);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

const V4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

function isV4(bytes: readonly number[]): boolean {
  return V4_PREFIX.every((byte, index) => bytes[index] === byte);
}

function isLoopback(bytes: readonly number[]): boolean {
  return isV4(bytes) ? bytes[12] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** The 16 bytes of an IPv6 address, an IPv4 address mapped into it; undefined: no address. */
function toBytes(text: string): readonly number[] | undefined {
  const v4 = /^(.*:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (v4) {
    const tail = v4.slice(2).map(Number);
    if (tail.some((byte, index) => byte > 255 || String(byte) !== v4[index + 2])) return undefined;
    if (v4[1] === undefined) return [...V4_PREFIX, ...tail];
    const [a, b, c, d] = tail as [number, number, number, number];
    return toBytes(`${v4[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":"))) as [string[], string[] | undefined];
  const zeros = 8 - head.length - (tail?.length ?? 0);
  if (tail ? zeros < 1 : zeros !== 0) return undefined;
  const groups = tail ? [...head, ...Array<string>(zeros).fill("0"), ...tail] : head;
  if (!groups.every((group) => /^[\da-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}

/** An address as Go prints it: IPv4 with dots, in IPv6 the longest run of zero groups as `::` (RFC 5952). */
function toText(bytes: readonly number[]): string {
  if (isV4(bytes)) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, n) => ((bytes[2 * n] as number) << 8) | (bytes[2 * n + 1] as number));
  let best = { from: -1, size: 1 };
  for (let from = 0; from < 8; from += 1) {
    let size = 0;
    while (groups[from + size] === 0) size += 1;
    if (size > best.size) best = { from, size };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.from < 0) return hex.join(":");
  return `${hex.slice(0, best.from).join(":")}::${hex.slice(best.from + best.size).join(":")}`;
}
