import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDirectory } from "../../../src/catalog/directory.ts";
import { fileNameOf } from "../../../src/catalog/directory-entry.ts";
import { tempFolder } from "../harness/folder.ts";
import { type Bed, contract } from "./contract.ts";

let clients = 0;

async function bed(): Promise<Bed> {
  const folder = join(tempFolder(), "catalog");
  return {
    open() {
      clients += 1;
      return openDirectory(folder, () => {}, { owner: `client-${clients}` });
    },
    async wipe({ id }) {
      rmSync(join(folder, fileNameOf(id)));
    },
    async fail() {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "a file where the directory was");
      chmodSync(folder, 0o644);
    },
    async back() {
      rmSync(folder);
    },
  };
}

contract("directory", bed, {
  fails: ["absent"],
  statuses: true,
  tags: true,
  oddNames: [
    "web.1",
    "my service",
    "ünïcödé",
    "a%2Fb",
    'quote"s',
    "a;b&c=d",
    "100%",
    "a+b",
    "a/b",
    ".hidden",
    "..",
    "x".repeat(300),
  ],
});
