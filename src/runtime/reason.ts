/**
 * Why a process ended, in one word and one sentence: the same in the log, the metric, the environment of what runs after
 * it and the termination log. docs/lifecycle.md lists the words.
 */
import type { Ended, SignalWhy } from "../core/contract.ts";
import { SIGKILL, signalName } from "./signals.ts";

/**
 * - exit: it ended by itself
 * - stop: we asked it to end, or killed it because it did not
 * - timeout: its time was over
 * - signal: by a signal that was not our wish
 * - oom: killed by the kernel at the container's limit of memory
 * - exec: it could not be started
 */
export type ReasonWord = "exit" | "stop" | "timeout" | "signal" | "oom" | "exec";

export interface Reason {
  word: ReasonWord;
  /** As a shell has it: its code, 128 + the signal, 126 or 127. */
  code: number;
  /** A sentence about the process, without a full stop. */
  text: string;
}

/** Who sent a signal: 0 is somebody outside of the container (sigaction(2), si_pid across PID namespaces). */
export interface Sender {
  pid: number;
  uid: number;
}

/** A shell's code for a program of its that was killed by KILL. */
const CODE_OF_KILL = 128 + SIGKILL;

/** Control characters. */
const CONTROLS = /[\0-\x1f\x7f]/g;

/** A signal that we have sent to a run. */
export interface Sent {
  signo: number;
  why: SignalWhy;
}

/** All that is known about an end. */
export interface EndFacts {
  label: string;
  how: Ended;
  /** Oldest first. */
  sent: readonly Sent[];
  /** The signal that it died of was handed to it for somebody else. */
  sender: Sender | undefined;
  /** The kernel has counted a kill for lack of memory. Asked only after a KILL that was not ours, of the process or below it. */
  oom: () => boolean;
}

export function reasonOf(end: EndFacts): Reason {
  const { label, how } = end;
  if ("code" in how) return { ...ofCode(end, how.code), code: how.code };
  const { word, text } = ofSignal(end, how);
  return { word, code: 128 + how.signal, text: `${label} ${text}` };
}

/** `sentence`: what was wrong with the program. It may quote a file, whose bytes no variable may hold (execve(2)). */
export function execReason(label: string, sentence: string, code: number): Reason {
  return { word: "exec", code, text: `${label} could not be started: ${sentence.replace(CONTROLS, "?")}` };
}

/** Somebody who sends signals, in words. */
export function senderWords({ pid, uid }: Sender): string {
  return pid === 0 ? "from outside of the container" : `from process ${pid}, uid ${uid}`;
}

function ofCode({ label, sent, oom }: EndFacts, code: number): Omit<Reason, "code"> {
  const asked = ours(sent);
  if (asked === undefined && code === CODE_OF_KILL && oom())
    return {
      word: "oom",
      text: `${label} ended with ${code} after the kernel had killed a process of it: the container is out of memory`,
    };
  if (asked === undefined) return { word: "exit", text: `${label} ended with ${code}` };
  const word = asked.why === "timeout" ? "timeout" : "stop";
  return { word, text: `${label} ended with ${code} after our ${signalName(asked.signo)}` };
}

function ofSignal(end: EndFacts, how: { signal: number; core: boolean }): Omit<Reason, "code"> {
  const { sent, sender } = end;
  const name = signalName(how.signal);
  const asked = ours(sent);
  const same = sent.find(({ signo, why }) => signo === how.signal && why !== "forward");
  if (how.signal === SIGKILL && same === undefined && end.oom())
    return { word: "oom", text: "was killed by the kernel: the container is out of memory" };
  if (same?.why === "timeout") return { word: "timeout", text: "was killed by us: its time was over" };
  if (same !== undefined && same !== asked && how.signal === SIGKILL)
    return { word: "stop", text: `was killed by us: it did not end after our ${signalName(asked?.signo ?? 0)}` };
  if (same !== undefined) return { word: "stop", text: `was ended by our ${name}` };
  if (sender !== undefined) return { word: "signal", text: `was ended by ${name} ${senderWords(sender)}` };
  if (sent.some(({ signo }) => signo === how.signal))
    return { word: "signal", text: `was ended by ${name}, which we were asked to send` };
  return { word: "signal", text: `was ended by ${name}${how.core ? " (core dumped)" : ""}, which we did not send` };
}

/** The first signal of our own wish. */
function ours(sent: readonly Sent[]): Sent | undefined {
  return sent.find(({ why }) => why !== "forward");
}
