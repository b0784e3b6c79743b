import { describe, expect, it } from "vitest";
import { type EndFacts, execReason, reasonOf } from "../../../src/runtime/reason.ts";

const end = (facts: Partial<EndFacts>): EndFacts => ({
  label: "web",
  how: { code: 0 },
  sent: [],
  sender: undefined,
  oom: () => false,
  ...facts,
});
const by = (signal: number, core = false) => ({ signal, core });
const asked = { signo: 15, why: "stop" } as const;
const killed = { signo: 9, why: "stop" } as const;

describe("why a process ended", () => {
  it.each<[Partial<EndFacts>, string, number, string]>([
    [{ how: { code: 3 } }, "exit", 3, "web ended with 3"],
    [{ how: { code: 3 }, sent: [asked] }, "stop", 3, "web ended with 3 after our SIGTERM"],
    [{ how: { code: 3 }, sent: [{ signo: 15, why: "forward" }] }, "exit", 3, "web ended with 3"],
    [{ how: by(15), sent: [asked] }, "stop", 143, "web was ended by our SIGTERM"],
    [{ how: by(9), sent: [killed] }, "stop", 137, "web was ended by our SIGKILL"],
    [
      { how: by(9), sent: [asked, killed], oom: () => true },
      "stop",
      137,
      "web was killed by us: it did not end after our SIGTERM",
    ],
    [
      { how: by(9), sent: [asked], oom: () => true },
      "oom",
      137,
      "web was killed by the kernel: the container is out of memory",
    ],
    [
      { how: { code: 137 }, oom: () => true },
      "oom",
      137,
      "web ended with 137 after the kernel had killed a process of it: the container is out of memory",
    ],
    [{ how: { code: 137 } }, "exit", 137, "web ended with 137"],
    [{ how: { code: 137 }, sent: [asked], oom: () => true }, "stop", 137, "web ended with 137 after our SIGTERM"],
    [{ how: { code: 136 }, oom: () => true }, "exit", 136, "web ended with 136"],
    [{ how: by(9), sent: [{ signo: 9, why: "timeout" }] }, "timeout", 137, "web was killed by us: its time was over"],
    [{ how: by(11, true) }, "signal", 139, "web was ended by SIGSEGV (core dumped), which we did not send"],
    [{ how: by(11), sent: [asked] }, "signal", 139, "web was ended by SIGSEGV, which we did not send"],
    [
      { how: by(10), sender: { pid: 0, uid: 0 } },
      "signal",
      138,
      "web was ended by SIGUSR1 from outside of the container",
    ],
    [{ how: by(40), sender: { pid: 7, uid: 33 } }, "signal", 168, "web was ended by SIG40 from process 7, uid 33"],
    [
      { how: by(10), sent: [{ signo: 10, why: "forward" }] },
      "signal",
      138,
      "web was ended by SIGUSR1, which we were asked to send",
    ],
  ])("%j", (facts, word, code, text) => {
    expect(reasonOf(end(facts))).toEqual({ word, code, text });
  });

  it("looks for a kill for lack of memory only where one can be", () => {
    const never = () => {
      throw new Error("asked");
    };
    for (const facts of [{ how: { code: 1 } }, { how: by(15) }, { how: by(9), sent: [killed] }])
      expect(() => reasonOf(end({ ...facts, oom: never }))).not.toThrow();
    expect(() => reasonOf(end({ how: by(9), oom: never }))).toThrow("asked");
  });

  it("hands on no byte that a variable cannot hold", () => {
    expect(execReason("web", "needs '/lib\0\n'", 127)).toEqual({
      word: "exec",
      code: 127,
      text: "web could not be started: needs '/lib??'",
    });
  });
});
