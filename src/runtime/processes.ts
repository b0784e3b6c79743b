import type { Ended, Input, RunId, SignalWhy } from "../core/contract.ts";
import type { Policy } from "../core/policy.ts";
import type { Adopted, NativeEvent, Pilot, SpawnRequest } from "../native/pilot.ts";
import type { Command, Deeds, JobId, Loaded, Plan } from "../plan.ts";
import { Accounts } from "./accounts.ts";
import type { Endings } from "./endings.ts";
import type { Environment } from "./environment.ts";
import { errnoName } from "./errno.ts";
import type { Lazy } from "./lazy.ts";
import { findProgram } from "./programs.ts";
import type { Sender } from "./reason.ts";
import { attributesOf, type FailedStart, type RunRecord, recordOf, type Spawn } from "./run-record.ts";
import { SIGKILL } from "./signals.ts";
import { WaitingStarts } from "./waiting-starts.ts";

/** An input without its number, which the loop gives. */
export type Unnumbered = Input extends infer I ? (I extends Input ? Omit<I, "id"> : never) : never;

interface Refusal {
  command: Command;
  file: string | undefined;
  errno: string;
}

/** How many ended runs are remembered for messages about them. */
const ENDED_MAX = 64;

/** Processes by run: starts, signals, and turns what the native half reports into inputs. */
export class Processes {
  readonly #pilot: Pilot;
  readonly accounts: Accounts;
  readonly #environment: Environment;
  readonly #push: (input: Unnumbered) => void;
  readonly #runs = new Map<RunId, RunRecord>();
  readonly #ended = new Map<RunId, RunRecord>();
  readonly #failed = new Map<RunId, FailedStart>();
  readonly #waiting = new WaitingStarts(({ effect, command, file }) => this.#exec(effect, command, file));
  readonly #endings: Lazy<Endings>;
  /** By the number of the signal that went to the main job in its place. */
  readonly #senders = new Map<number, Sender>();
  #policy: Policy = { main: undefined, forward: [], graceMs: 0 };

  constructor(pilot: Pilot, environment: Environment, endings: Lazy<Endings>, push: (input: Unnumbered) => void) {
    this.#pilot = pilot;
    this.accounts = new Accounts(pilot);
    this.#environment = environment;
    this.#endings = endings;
    this.#push = push;
  }

  /**
   * Takes over what an earlier runtime of this process has started; returns what the core shall go on with. Probes under
   * way are killed: they are run again.
   */
  adopt(children: readonly Adopted[], { plan, deeds }: Loaded): readonly Adopted[] {
    const jobs = new Set(plan.jobs.map(({ id }) => id));
    return children.filter((child) => {
      const command = deeds.commands[child.job];
      if (command === undefined) return true;
      if (!jobs.has(child.job)) {
        this.#pilot.signal(child.run, SIGKILL, "group");
        return false;
      }
      const { run, job, pid, awaits } = child;
      this.#runs.set(run, {
        run,
        job,
        probe: undefined,
        command,
        pid,
        sent: [],
        reason: undefined,
        awaits,
        late: [],
        output: "",
      });
      for (const name of command.pidVariables ?? []) this.#environment.set(name, String(pid));
      return true;
    });
  }

  /** Told before the main job is started, so that no signal is lost. */
  use(policy: Policy): void {
    this.#policy = policy;
    this.#pilot.policy(this.#runOf(policy.main), policy.forward, policy.graceMs);
  }

  spawn(effect: Spawn, deeds: Deeds): void {
    const command = deeds.commands[effect.probe ?? effect.job];
    if (command === undefined) throw new Error(`no command for ${effect.probe ?? effect.job}`);
    const found = findProgram(command.argv[0] ?? "", this.#environment.get("PATH"));
    if ("errno" in found) void this.#refuse(effect, { command, file: undefined, errno: found.errno });
    else this.#exec(effect, command, found.file);
  }

  #exec(effect: Spawn, command: Command, file: string): void {
    if (effect.job === this.#policy.main && effect.probe === undefined) {
      this.#pilot.policy(effect.run, this.#policy.forward, this.#policy.graceMs);
    }
    const pid = this.#pilot.spawn(this.#request(effect, command, file));
    if (pid <= 0) {
      const errno = errnoName(-pid);
      if (this.#runs.size > 0 && WaitingStarts.isFull(errno)) this.#waiting.put({ effect, command, file });
      else {
        this.#waiting.take(effect.run);
        void this.#refuse(effect, { command, file, errno }, this.#pilot.spawnFailure());
      }
      return;
    }
    this.#waiting.take(effect.run);
    this.#runs.set(effect.run, recordOf(effect, command, pid));
    for (const name of command.pidVariables ?? []) this.#environment.set(name, String(pid));
    this.#push({ t: "spawned", run: effect.run, pid });
  }

  signal(run: RunId, signo: number, target: "process" | "group", why: SignalWhy = "stop"): void {
    const unstarted = this.#waiting.take(run);
    if (unstarted !== undefined) {
      void this.#refuse(unstarted.effect, { ...unstarted, errno: "ECANCELED" });
      return;
    }
    const sent = this.#runs.get(run)?.sent;
    if (sent?.every((earlier) => earlier.signo !== signo || earlier.why !== why)) sent.push({ signo, why });
    // ESRCH is no failure: it has ended in this very moment, and its end is on the way.
    this.#pilot.signal(run, signo, target);
  }

  /** A signal to the init, as an input; one that goes on to the main job as another one may be its end. */
  signalled({ signo, pid, uid }: Extract<NativeEvent, { t: "signal" }>, { signals }: Plan): Unnumbered {
    const deed = signals[signo];
    if (typeof deed === "object" && deed.as !== undefined) this.#senders.set(deed.as, { pid, uid });
    return { t: "signal", signo, pid, uid };
  }

  /** What the native half has to say about processes. */
  take(event: Extract<NativeEvent, { run: number }>): void {
    this.#endings.do((endings) => this.#take(event, endings));
  }

  #take(event: Extract<NativeEvent, { run: number }>, endings: Endings): void {
    const record = this.#runs.get(event.run);
    if (record === undefined) {
      const ended = this.#ended.get(event.run);
      if (event.t === "groupEmpty") this.#push({ t: "groupEmpty", run: event.run });
      else if (event.t === "closed" && ended !== undefined) ended.output = event.output;
      return;
    }
    if (event.t === "closed") {
      record.awaits = false;
      record.output = event.output;
      for (const late of record.late.splice(0)) this.#pass(record, late, endings);
    } else if (record.awaits) record.late.push(event);
    else this.#pass(record, event, endings);
  }

  /** A run that lives or has ended a short while ago. */
  record(run: RunId): RunRecord | undefined {
    return this.#runs.get(run) ?? this.#ended.get(run);
  }

  failedStart(run: RunId): FailedStart | undefined {
    return this.#failed.get(run);
  }

  #pass(record: RunRecord, event: NativeEvent, endings: Endings): void {
    if (event.t === "groupEmpty") this.#push({ t: "groupEmpty", run: record.run });
    if (event.t !== "exited") return;
    this.#runs.delete(record.run);
    const { pidUntilEnd, pidVariables = [] } = record.command;
    if (pidUntilEnd) for (const name of pidVariables) this.#environment.unset(name, String(record.pid));
    remember(this.#ended, record.run, record);
    const how: Ended = event.signal === 0 ? { code: event.code } : { signal: event.signal, core: event.core };
    const main = record.job === this.#policy.main && record.probe === undefined;
    const sender = event.sender ?? (main ? this.#senders.get(event.signal) : undefined);
    const by = endings.ended(record, how, sender);
    const captured = record.command.output === "capture" ? { captured: record.output } : {};
    this.#push({ t: "exited", run: record.run, how, by, ...captured });
  }

  /** The words are loaded only now. Should that fail, the error's name has to do. */
  async #refuse(effect: Spawn, { command, file, errno }: Refusal, step = "exec"): Promise<void> {
    const { attributes = {} } = command;
    const why = await import("./diagnose.ts").then(
      ({ explainAttribute, explainExec }) =>
        step === "exec"
          ? explainExec(command.argv[0] ?? "", file, errno, this.#environment.get("PATH"), attributes.cwd)
          : explainAttribute(step, attributes, errno),
      () => errno,
    );
    const { run } = effect;
    const code = errno === "ENOENT" && step === "exec" ? 127 : 126;
    remember(this.#failed, run, { command, why });
    // In a turn of its own: jobs that start each other in vain must not keep signals and requests from being heard.
    setImmediate(() => {
      this.#endings.do((endings) => {
        endings.refused({ job: effect.job, probe: effect.probe, command }, why, code);
        this.#push({ t: "spawnFailed", run, errno, code });
      });
    });
  }

  #request(effect: Spawn, command: Command, file: string): SpawnRequest {
    const deadline = effect.left === undefined ? {} : { CONTAINERPILOT_DEADLINE_MS: String(Math.trunc(effect.left)) };
    const logged = command.output === "log";
    return {
      run: effect.run,
      job: effect.probe ?? effect.job,
      file,
      argv: command.argv,
      env: this.#environment.list({ ...command.env, ...deadline }),
      stdin: command.stdin,
      stdout: command.output,
      stderr: logged ? "log" : "inherit",
      foreground: command.stdin === "inherit",
      fields: Object.entries(command.fields),
      attributes: attributesOf(command.attributes, effect.probe !== undefined),
    };
  }

  #runOf(job: JobId | undefined): RunId {
    for (const record of this.#runs.values()) if (record.job === job && record.probe === undefined) return record.run;
    return 0;
  }
}

function remember<T>(map: Map<RunId, T>, run: RunId, value: T): void {
  map.set(run, value);
  if (map.size > ENDED_MAX) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
}
