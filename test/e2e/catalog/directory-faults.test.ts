import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Backend, CatalogLog } from "../../../src/catalog/catalog.ts";
import { openDirectory } from "../../../src/catalog/directory.ts";
import { cleanUp } from "../harness/cleanup.ts";
import { tempFolder } from "../harness/folder.ts";
import { Seen, serviceOf, web } from "./contract.ts";
import { SessionProcess } from "./process.ts";
import { Stage } from "./stage.ts";
import { sleep, until } from "./wait.ts";

let folder: string;
let logged: CatalogLog[];
let clients = 0;

beforeEach(() => {
  folder = join(tempFolder(), "catalog");
  logged = [];
});

function open(sweepAfterMs?: number): Backend {
  clients += 1;
  const owner = `client-${clients}`;
  const backend = openDirectory(folder, (line) => logged.push(line), {
    owner,
    ...(sweepAfterMs === undefined ? {} : { sweepAfterMs }),
  });
  cleanUp(() => backend.close());
  return backend;
}

const file = (id: string): string => join(folder, `${id}.json`);
const service = serviceOf("web-host");

describe("what is in the directory", () => {
  test("one readable file an instance, nothing else left behind", async () => {
    const own = open();
    await own.register(serviceOf("web-host", { tags: ["blue"], meta: { version: "1.2" } }), "passing", "");
    await own.update(serviceOf("web-host", { tags: ["blue"], meta: { version: "1.2" } }), "critical", "exit 1");
    expect(readdirSync(folder)).toEqual(["web-host.json"]);
    expect(JSON.parse(readFileSync(file("web-host"), "utf8"))).toEqual({
      id: "web-host",
      name: "web",
      address: "10.0.0.1",
      port: 8000,
      tags: ["blue"],
      meta: { version: "1.2" },
      ttlMs: 10_000,
      status: "critical",
      output: "exit 1",
      owner: `client-${clients}`,
    });
    expect(statSync(file("web-host")).mode & 0o777).toBe(0o644);
  });

  test("a heartbeat moves the time and writes nothing", async () => {
    const own = open();
    await own.register(service, "passing", "");
    utimesSync(file("web-host"), 1, Date.now() / 1000 - 5);
    const { ino } = statSync(file("web-host"));
    await own.update(service, "passing", "");
    expect(statSync(file("web-host")).ino).toBe(ino);
    expect(Date.now() - statSync(file("web-host")).mtimeMs).toBeLessThan(1_000);
  });

  test("foreign and broken files are skipped, each with one warning, and again when it is another fault", async () => {
    const [own, other] = [open(), open()];
    const seen = new Seen();
    await own.register(service, "passing", "");
    mkdirSync(file("folder"));
    execFileSync("mkfifo", [file("fifo")]);
    writeFileSync(file("broken"), "{");
    writeFileSync(file("empty"), "");
    writeFileSync(join(folder, "README"), "not looked at");
    writeFileSync(join(folder, ".web-9.json"), "not looked at");
    other.watch(web, seen.take, seen.fail);
    await seen.until("web-host");
    for (let n = 0; n < 5; n += 1) await other.list(web);
    const warned = (): string[] => logged.map(({ level, message }) => `${level} ${message}`).sort();
    const skipped = (name: string, why: string): string =>
      `warn ${file(name)} is not an entry of the catalog and is skipped: ${why}`;
    const first = [
      skipped("broken", "not JSON"),
      skipped("empty", "not JSON"),
      skipped("fifo", "not a regular file"),
      skipped("folder", "not a regular file"),
    ];
    expect(warned()).toEqual(first);
    writeFileSync(file("broken"), "{}");
    await other.list(web);
    expect(warned()).toEqual([...first, skipped("broken", "no id")].sort());
  });

  test("a file that a person puts there is an instance as long as its time is fresh", async () => {
    const seen = new Seen();
    open().watch(web, seen.take, seen.fail);
    await seen.until();
    const entry = { id: "by-hand", name: "web", address: "10.0.0.7", port: 1, ttlMs: 1_000, status: "passing" };
    writeFileSync(file("anything"), JSON.stringify(entry));
    await seen.until("by-hand");
    await seen.until();
  });

  test("an entry that nobody renews is removed after a while; one that is renewed is not", async () => {
    const [own, other] = [open(), open(1_000)];
    const seen = new Seen();
    const [kept, dead, unwatched] = [
      serviceOf("web-kept", { ttl: 1_000 }),
      serviceOf("web-dead", { ttl: 1_000 }),
      serviceOf("db-dead", { ttl: 1_000, name: "db" }),
    ];
    for (const one of [kept, dead, unwatched]) await own.register(one, "passing", "");
    other.watch(web, seen.take, seen.fail);
    const beat = setInterval(() => void own.update(kept, "passing", "").catch(() => {}), 300);
    await until(
      "the dead are gone",
      () => readdirSync(folder),
      (names) => names.length === 1,
    );
    clearInterval(beat);
    expect(readdirSync(folder)).toEqual(["web-kept.json"]);
    expect(seen.ids).toEqual(["web-kept"]);
    await expect(own.update(dead, "passing", "")).rejects.toMatchObject({ kind: "lost" });
  });

  test("without anybody who watches, whoever registers removes them", async () => {
    await open().register(serviceOf("web-old", { ttl: 1_000 }), "passing", "");
    utimesSync(file("web-old"), 1, 1);
    await open(1_000).register(service, "passing", "");
    await until(
      "the old one is gone",
      () => readdirSync(folder),
      (names) => names.join() === "web-host.json",
    );
  });
});

describe("two with the same id", () => {
  const elsewhere = serviceOf("web-host", { address: "10.0.0.2" });

  test("the last writer wins, the other is told and does not fight", async () => {
    const [one, two] = [open(), open()];
    await one.register(service, "passing", "");
    await two.register(elsewhere, "passing", "");
    await expect(one.update(service, "passing", "")).rejects.toMatchObject({
      kind: "refused",
      message: `${file("web-host")} belongs to another instance with the id web-host`,
    });
    await two.update(elsewhere, "passing", "");
    expect(await one.list(web)).toMatchObject([{ address: "10.0.0.2" }]);
  });

  test("taking out removes only one's own entry", async () => {
    const [one, two] = [open(), open()];
    await one.register(service, "passing", "");
    await two.register(elsewhere, "passing", "");
    await one.deregister(service);
    expect(await one.list(web)).toMatchObject([{ address: "10.0.0.2" }]);
    await two.deregister(elsewhere);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("when the winner has gone, the other is there again by itself", async () => {
    const [one, two] = [open(), open()];
    const [first, second] = [new Stage(one), new Stage(two)];
    first.beat(serviceOf("web-host", { ttl: 1_000 }), 200);
    await first.line("Service registered");
    await second.announced(serviceOf("web-host", { ttl: 1_000, address: "10.0.0.2" }));
    await first.line("belongs to another instance");
    await until(
      "the first is back",
      () => one.list(web),
      (list) => list[0]?.address === "10.0.0.1",
    );
    expect(first.lines().filter((line) => line.startsWith("warn"))).toHaveLength(1);
  });
});

describe("the directory itself", () => {
  test("removed, made again, moved away, replaced: a watch goes on each time", async () => {
    const [own, other] = [open(), open()];
    const seen = new Seen();
    other.watch(web, seen.take, seen.fail);
    await seen.until();
    await own.register(service, "passing", "");
    await seen.until("web-host");
    rmSync(folder, { recursive: true });
    await seen.until();
    await own.register(service, "passing", "");
    await seen.until("web-host");
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await own.register(serviceOf("web-2"), "passing", "");
    await seen.until("web-2");
    renameSync(folder, `${folder}.away`);
    await seen.until();
    await own.register(serviceOf("web-3"), "passing", "");
    await seen.until("web-3");
    expect(seen.errors).toEqual([]);
  });

  test("missing parents are made", async () => {
    folder = join(folder, "deep", "er");
    await open().register(service, "passing", "");
    expect(existsSync(file("web-host"))).toBe(true);
  });

  test("read-only: refused in words, and healed when it is writable", async () => {
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro,size=64k", "none", folder]);
    cleanUp(() => execFileSync("umount", [folder]));
    const stage = new Stage(open());
    stage.announce(service);
    stage.session.watch("watch.web", web);
    await stage.line("Service registration failed");
    expect(stage.lines()).toEqual([
      `warn Service registration failed: cannot write ${file("web-host")}: read-only file system (EROFS)`,
    ]);
    execFileSync("mount", ["-o", "remount,rw", folder]);
    await stage.watched("watch.web", "web-host");
  });

  test("full: refused in words, what was there stays readable, healed when there is room", async () => {
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
    cleanUp(() => execFileSync("umount", [folder]));
    const own = open();
    await own.register(service, "passing", "");
    const fill = (): void => {
      for (;;) execFileSync("sh", ["-c", `cat /dev/zero >> ${join(folder, ".filler")}`], { stdio: "ignore" });
    };
    expect(fill).toThrow();
    await expect(own.update(service, "critical", "exit 1")).rejects.toMatchObject({
      kind: "refused",
      message: `cannot write ${file("web-host")}: no space left on device (ENOSPC)`,
    });
    await own.update(service, "passing", "");
    expect(await own.list(web)).toHaveLength(1);
    expect(readdirSync(folder).sort()).toEqual([".filler", "web-host.json"]);
    rmSync(join(folder, ".filler"));
    await own.update(service, "critical", "exit 1");
    expect(await own.list(web)).toEqual([]);
  });

  test("not ours to write: refused in words", async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const process = await SessionProcess.start({ kind: "directory", path: folder }, [
      "setpriv",
      "--reuid=12345",
      "--clear-groups",
    ]);
    process.tell({ announce: service });
    await process.line(
      ({ message }) =>
        message === `Service registration failed: cannot write ${file("web-host")}: permission denied (EACCES)`,
    );
  });

  test("no inotify to be had: said once, read in intervals", async () => {
    const limits = "echo 0 > /proc/sys/user/max_inotify_instances";
    const process = await SessionProcess.start({ kind: "directory", path: folder }, [
      ...["unshare", "--user", "--map-root-user", "sh", "-c", `${limits} && exec "$@"`, "sh"],
    ]);
    process.tell({ watch: { name: "web", poll: 300 } });
    await process.line(({ t, count }) => t === "watched" && count === 0);
    await open().register(service, "passing", "");
    await process.line(({ t, count }) => t === "watched" && count === 1);
    await sleep(1_000);
    expect(process.lines.filter(({ level }) => level !== undefined).map(({ message }) => message)).toEqual([
      `${folder} cannot be watched (inotify is used up): it is read once a poll interval`,
    ]);
  });
});

describe("cost", () => {
  test("heartbeats of others are not even read", async () => {
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "strictatime", "none", folder]);
    cleanUp(() => execFileSync("umount", [folder]));
    const [own, other] = [open(), open()];
    const seen = new Seen();
    await own.register(service, "passing", "");
    other.watch(web, seen.take, seen.fail);
    await seen.until("web-host");
    await sleep(100);
    for (let n = 0; n < 5; n += 1) {
      utimesSync(file("web-host"), 1, Date.now() / 1000);
      await sleep(50);
      expect(statSync(file("web-host")).atimeMs).toBe(1_000);
    }
    readFileSync(file("web-host"));
    expect(statSync(file("web-host")).atimeMs, "reading is seen here").toBeGreaterThan(1_000);
  });

  test("a storm of changes is seen whole", async () => {
    const [own, other] = [open(), open()];
    const seen = new Seen();
    other.watch(web, seen.take, seen.fail);
    await seen.until();
    const text = (id: string): string => JSON.stringify({ ...serviceOf(id), ttlMs: 60_000, status: "passing" });
    mkdirSync(`${folder}.new`);
    const ids = Array.from({ length: 3_000 }, (_, n) => `web-${String(n).padStart(4, "0")}`);
    for (const id of ids) {
      writeFileSync(join(`${folder}.new`, `${id}.json`), text(id));
      renameSync(join(`${folder}.new`, `${id}.json`), file(id));
    }
    await seen.until(...ids);
    await own.register(service, "passing", "");
    await seen.until(...ids, "web-host");
  });
});
