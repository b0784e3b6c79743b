import { describe, expect, it } from "vitest";
import { parseSelector, type Selector, selectAddress } from "../../../src/config/interfaces.ts";

/** The fixed list of the original's own tests, out of order. */
const ADDRESSES = [
  ["eth1", "10.0.0.200"],
  ["lo", "::1"],
  ["eth2", "fdc6:238c:c4bc::1"],
  ["eth0", "192.168.1.100"],
  ["eth2", "10.1.0.200"],
  ["lo", "127.0.0.1"],
  ["eth1", "10.0.0.100"],
  ["eth0", "10.2.0.1"],
].map(([name, address]) => ({ name, address }) as { name: string; address: string });

function select(specs: readonly string[], addresses = ADDRESSES): string | undefined {
  const selectors = specs.map(parseSelector);
  expect(selectors.every(Boolean), specs.join()).toBe(true);
  return selectAddress(selectors as Selector[], addresses);
}

describe("selectAddress", () => {
  it.each<[string[], string | undefined]>([
    [["eth0"], "10.2.0.1"],
    [["eth0:inet"], "10.2.0.1"],
    [["eth0:inet6"], undefined],
    [["eth0[0]"], "10.2.0.1"],
    [["eth0[1]"], "192.168.1.100"],
    [["eth0[2]"], undefined],
    [["eth2"], "10.1.0.200"],
    [["eth2:inet6"], "fdc6:238c:c4bc::1"],
    [["eth2[1]"], "fdc6:238c:c4bc::1"],
    [["lo"], "127.0.0.1"],
    [["lo[0]"], "::1"],
    [["lo[1]"], "127.0.0.1"],
    [["lo:inet6"], "::1"],
    [["10.0.0.0/16"], "10.0.0.100"],
    [["10.1.0.0/16"], "10.1.0.200"],
    [["10.0.0.0/8"], "10.2.0.1"],
    [["fdc6:238c:c4bc::/48"], "fdc6:238c:c4bc::1"],
    [["fd00::/8"], "fdc6:238c:c4bc::1"],
    [["::/0"], "fdc6:238c:c4bc::1"],
    [["0.0.0.0/0"], "10.2.0.1"],
    [["192.168.1.100/32"], "192.168.1.100"],
    [["192.168.1.101/32"], undefined],
    [["inet"], "10.2.0.1"],
    [["inet6"], "fdc6:238c:c4bc::1"],
    [["static:192.168.1.100"], "192.168.1.100"],
    [["static:::1"], "::1"],
    [["static:FD00:0:0::0:1"], "fd00::1"],
    [["nope", "lo"], "127.0.0.1"],
    [["eth0:inet6", "eth0[2]", "inet6"], "fdc6:238c:c4bc::1"],
    [["br-abc", "en0.5", "eth1"], "10.0.0.100"],
    [["nope"], undefined],
  ])("%j", (specs, address) => expect(select(specs)).toBe(address));

  it("chooses names with dashes and dots, which the original could not read", () => {
    const addresses = [
      { name: "br-1a2b", address: "10.5.0.1" },
      { name: "en0.5", address: "10.6.0.1" },
    ];
    expect(select(["br-1a2b"], addresses)).toBe("10.5.0.1");
    expect(select(["en0.5[0]"], addresses)).toBe("10.6.0.1");
  });

  it("does not mind the order of the list, nor a zone", () => {
    const shuffled = [...ADDRESSES].reverse();
    expect(select(["10.0.0.0/8"], shuffled)).toBe("10.2.0.1");
    expect(select(["eth9:inet6"], [{ name: "eth9", address: "fe80::1%eth9" }])).toBe("fe80::1");
  });

  it("finds the first public address for Containerbuddy's publicIp", () => {
    const addresses = [...ADDRESSES, { name: "eth3", address: "203.0.113.7" }, { name: "eth4", address: "8.8.8.8" }];
    expect(selectAddress([{ t: "public" }], addresses)).toBe("203.0.113.7");
    expect(selectAddress([{ t: "public" }], ADDRESSES)).toBeUndefined();
  });
});

describe("parseSelector", () => {
  it.each([
    "",
    "!",
    "127.0.0.1",
    "::1",
    "eth0:inet5",
    "eth0[-1]",
    "eth0[1",
    "static:abcdef",
    "static:",
    "static:5",
    "static:10.0.0.256",
    "static:10.0.0.01",
    "static:1:2:3:4:5:6:7:8:9",
    "static:1::2::3",
    "static:12345::",
    "10.0.0.0/33",
    "fd00::/129",
    "eth0 ",
    "10.0.0.0/",
  ])("refuses %j", (spec) => expect(parseSelector(spec)).toBeUndefined());
});
