import { expect, it } from "vitest";
import { establishedPorts } from "../../../src/runtime/drains.ts";

it("finds the local ports of established connections in the kernel's tables, IPv4 and IPv6", () => {
  const tables = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0
   3: 0100007F:1F90 0100007F:D433 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 0000000000000000FFFF00000100007F:1F91 0000000000000000FFFF00000100007F:D432 01 00000000:00000000 00:0
`;
  expect(establishedPorts(tables)).toEqual([8080, 54321, 8081]);
  expect(establishedPorts("")).toEqual([]);
});
