/** What the kernel answers to each wrong file, and the words for it: both must fit. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { explainExec } from "../../../src/runtime/diagnose.ts";

const root = mkdtempSync(join(tmpdir(), "diagnose-"));
afterAll(() => rmSync(root, { recursive: true }));

function made(name: string, content: string | Buffer, mode = 0o755): string {
  const path = join(root, name);
  writeFileSync(path, content, typeof content === "string" ? "latin1" : null);
  chmodSync(path, mode);
  return path;
}

/** A real binary of this machine, with other bytes at some place. */
function binary(name: string, at: number | string, bytes: string): string {
  const content = readFileSync("/bin/true");
  content.write(bytes, typeof at === "number" ? at : content.indexOf(at), "latin1");
  return made(name, content);
}

const LOADER = "/lib64/ld-linux-x86-64.so.2";
const loader = (name: string): string => binary(`loader-${name.length}`, LOADER, name.padEnd(LOADER.length, "\0"));

mkdirSync(join(root, "folder"));
mkdirSync(join(root, "below"));
execFileSync("mkfifo", ["-m", "755", join(root, "pipe")]);
symlinkSync("nowhere/at-all", join(root, "dangling"));
symlinkSync("circle", join(root, "circle"));
made("plain", "#!/bin/sh\nexit 0\n", 0o644);
made("below/relative", "#!./interpreter\n");
const self = (name: string) => made(name, `#!${join(root, name)}\n`);

/** What is run (in the folder), what the kernel says, what we say. */
const cases: [string, string, string][] = [
  [
    made("crlf", "#!/bin/sh\r\necho hello\r\n"),
    "ENOENT",
    "names the interpreter '/bin/sh' with a carriage return behind it",
  ],
  [made("spaced", "#!  \t /no/sh  -e\n"), "ENOENT", "names the interpreter '/no/sh', which does not exist"],
  [made("no-newline", "#!/no/sh"), "ENOENT", "names the interpreter '/no/sh', which does not exist"],
  [made("bare", "#!\n"), "ENOEXEC", "begins with '#!' but names no interpreter"],
  [made("mark", "\xef\xbb\xbf#!/bin/sh\n"), "ENOEXEC", "begins with a byte order mark"],
  [made("empty", ""), "ENOEXEC", "is an empty file"],
  [made("text", "echo hello\n"), "ENOEXEC", "its first line must name an interpreter (#!/bin/sh)"],
  [made("zeros", Buffer.alloc(512)), "ENOEXEC", "is neither a binary for this machine nor a script"],
  [made("magic", "\x7fELF"), "ENOEXEC", "is neither a binary for this machine nor a script"],
  [join(root, "folder"), "EACCES", "is a directory, not a program"],
  [join(root, "pipe"), "EACCES", "is a pipe or a device, not a program"],
  [join(root, "plain"), "EACCES", "may not be executed: check its mode"],
  [made("by-plain", `#!${join(root, "plain")}\n`), "EACCES", `runs by '${root}/plain', which may not be executed`],
  [made("by-folder", `#!${join(root, "folder")}\n`), "EACCES", `runs by '${root}/folder', which is a directory`],
  [made("by-pipe", `#!${join(root, "pipe")}\n`), "EACCES", `runs by '${root}/pipe', which is a pipe or a device`],
  [made("by-text", `#!${join(root, "text")}\n`), "ENOEXEC", `runs by '${root}/text', which is neither`],
  [
    made("by-crlf", `#!${join(root, "crlf")}\n`),
    "ENOENT",
    `runs by '${root}/crlf', which names the interpreter '/bin/sh' with a`,
  ],
  [self("itself"), "ELOOP", "its links, or its interpreters, lead in a circle"],
  [join(root, "dangling"), "ENOENT", "is a link to 'nowhere/at-all', which does not exist"],
  [join(root, "circle"), "ELOOP", "lead in a circle"],
  [join(root, "text/app"), "ENOTDIR", `does not exist: '${root}/text' is no directory`],
  [join(root, "nowhere/app"), "ENOENT", "does not exist"],
  [join(root, "x".repeat(300)), "ENAMETOOLONG", "its name is too long"],
  [
    loader("/lib/ld-musl-x86_64.so.9"),
    "ENOENT",
    "needs the loader '/lib/ld-musl-x86_64.so.9', which does not exist: it was built for musl",
  ],
  [loader("/lib64/ld-linux-none.so.2"), "ENOENT", "it was built for glibc"],
  [loader("/lib/ld64.so.1"), "ENOENT", "it was built for another C library"],
  [binary("machine", 18, "\xb7\x00"), "ENOEXEC", "was built for arm64, and this is x64"],
  [
    binary("big-endian", 5, `\x02${"\x01".padEnd(11, "\0")}\x02\x00\x16`),
    "ENOEXEC",
    "was built for s390x, and this is x64",
  ],
  ["below/relative", "ENOENT", "names the interpreter './interpreter', which does not exist"],
];

/** In Python, since Node's own way gives a file without an interpreter to a shell, as execvp(3) does. */
const TRY = `
import json, os, sys, errno
def attempt(file):
    r, w = os.pipe()
    if os.fork() == 0:
        try:
            os.execv(file, [file])
        except OSError as error:
            os.write(w, errno.errorcode[error.errno].encode())
        os._exit(0)
    os.close(w)
    os.wait()
    answer = os.read(r, 100).decode()
    os.close(r)
    return answer
print(json.dumps([attempt(file) for file in json.loads(sys.argv[1])]))
`;

const answers = (): string[] => {
  const files = JSON.stringify(cases.map(([file]) => file));
  return JSON.parse(execFileSync("python3", ["-c", TRY, files], { cwd: root, encoding: "utf8" }));
};

describe.skipIf(process.arch !== "x64")("the kernel's answer and our words", () => {
  const found = process.arch === "x64" ? answers() : [];

  it.each(cases.map((one, i) => [...one, i] as const))("%s: %s %s", (file, errno, words, i) => {
    expect(found[i]).toBe(errno);
    const said = explainExec(file, file, errno, "/bin", root);
    expect(said).toContain(words);
    expect(said).toContain(`'${file}'`);
  });

  it("of what the machine lacks, and of what nobody foresaw", () => {
    for (const errno of ["EAGAIN", "ENOMEM", "E2BIG", "ETXTBSY", "EPERM", "EIO", "EMFILE", "ENFILE", "ENOBUFS"])
      expect(explainExec("app", "/bin/app", errno, "/bin")).toMatch(/^'app' could not be started: .*[a-z)]$/);
    expect(explainExec("app", "/bin/app", "EUCLEAN", "/bin")).toBe("'app' could not be started: EUCLEAN");
  });
});
