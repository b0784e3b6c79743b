import type { Core, Effect, RequestId } from "../core/contract.ts";
import { bootEarly } from "../core/early.ts";
import { policyOf } from "../core/policy.ts";
import type { NativeEvent, Pilot } from "../native/pilot.ts";
import type { Deeds, Loaded } from "../plan.ts";
import { Alarm } from "./alarm.ts";
import { Catalogs } from "./catalogs.ts";
import { Controls } from "./controls.ts";
import { EventLog } from "./eventlog.ts";
import { type BootInput, firstInput } from "./firstinput.ts";
import type { Host } from "./host.ts";
import { Inputs } from "./inputs.ts";
import { lazyDrains } from "./lazy-drains.ts";
import { lazyEndings } from "./lazy-endings.ts";
import { LogFile } from "./logfile.ts";
import { Messages } from "./messages.ts";
import { ProbeOutputs } from "./probe-outputs.ts";
import { Processes, type Unnumbered } from "./processes.ts";
import { Remembering, recollect } from "./remembered.ts";
import { statusOf } from "./status.ts";
import { Telemetries } from "./telemetries.ts";

/**
 * The only place that turns effects into deeds and the world into inputs. One queue of inputs, one real timer.
 * From `boot` on nothing here may end the process but the effect `exit`: the application's life hangs on it.
 */
export class Runtime {
  readonly #host: Host;
  /** Not there until the first programs run: what only follows them is not parsed before them. Inputs wait so long. */
  #core: Core | undefined;
  readonly #events: EventLog;
  readonly #logFile: LogFile;
  readonly #messages: Messages;
  readonly #endings: ReturnType<typeof lazyEndings>;
  readonly #processes: Processes;
  readonly #catalogs: Catalogs;
  readonly #telemetries: Telemetries;
  readonly #controls: Controls;
  readonly #drains = lazyDrains(
    (job, open) => this.push({ t: "connections", job, open }),
    (text) => this.#messages.line("error", text),
  );
  readonly #remembering: Remembering;
  readonly #inputs = new Inputs();
  #turning = false;
  readonly #alarm = new Alarm(() => this.#drain(true));
  #loaded: Loaded;
  /** Read and accepted, not in force yet. */
  #staged: { loaded: Loaded; text: string } | undefined;
  readonly #outputs = new ProbeOutputs();

  constructor(host: Host) {
    this.#host = host;
    this.#loaded = host.loaded;
    const log: Pilot["log"] = (level, message, fields) => host.pilot.log(level, message, fields);
    this.#events = new EventLog(host.eventsFile, (message) => log("warn", message, []));
    this.#remembering = new Remembering(host.pilot, host.environment, (message) => log("warn", message, []));
    this.#logFile = new LogFile(host.pilot);
    const status = () => statusOf(this.#loaded.deeds, (job) => this.#core?.health(job));
    this.#telemetries = new Telemetries(host.pilot, status);
    this.#controls = new Controls({
      pilot: host.pilot,
      environment: host.environment,
      telemetries: this.#telemetries,
      push: (input) => this.push(input),
      look: () => ({ core: this.#core, deeds: this.#loaded.deeds, processes: this.#processes }),
    });
    this.#endings = lazyEndings(host.environment, (...note) => this.#telemetries.note(...note));
    this.#processes = new Processes(host.pilot, host.environment, this.#endings, (input) => this.#ofProcess(input));
    this.#messages = new Messages(log, this.#processes);
    this.#catalogs = new Catalogs(
      (input) => this.#ofCatalog(input),
      ({ level, message }) => log(level, message, []),
    );
  }

  /** Starts the application (or what comes before it). Returns when the first programs have been exec'ed. */
  boot(): void {
    const { pilot, loaded } = this.#host;
    const left = pilot.boot();
    const adopted = this.#processes.adopt(left.adopted, loaded);
    this.#catalogs.recall(recollect(left)?.seen ?? {});
    this.#telemetries.reborn(left.rebirths.byCause);
    this.#adopt(this.#host);
    this.#messages.loaded(loaded);
    const { boot, early } = firstInput(pilot, loaded.plan, adopted, (level, text) => this.#messages.line(level, text));
    this.#first(boot);
    for (const event of early) this.#native(event);
    pilot.start(() => this.#drain());
    this.#alarm.hold();
    setImmediate(() => {
      this.#endings.do((endings) => endings.begin());
      this.#processes.accounts.begin();
      const { services, watches } = loaded.deeds;
      if (Object.keys({ ...services, ...watches }).length > 0) this.#catalogs.prepare();
    });
  }

  push(input: Unnumbered): void {
    this.#inputs.put(input);
    if (!this.#turning) this.#turn();
  }

  /** The boot: at once with what of the core it needs, or, with children to adopt or nothing to start, with all of it. */
  #first(boot: BootInput): void {
    if (boot.rebirth !== undefined || boot.adopted.length > 0 || boot.stop !== undefined) {
      this.#inputs.putFirst(boot);
      void this.#loadCore(undefined);
      return;
    }
    const { input, at } = this.#inputs.number(boot);
    this.#events.input(at, input);
    const { state, effects } = bootEarly(input, at);
    this.#performAll(effects, at);
    void this.#loadCore(state);
  }

  /** The whole core goes on where the boot left; the wake lets it do at once what the boot left to it. */
  async #loadCore(state: ReturnType<typeof bootEarly>["state"] | undefined): Promise<void> {
    // With the endings: what has ended meanwhile shall be told before any deadline that passed meanwhile.
    const [{ createCore }] = await Promise.all([import("../core/core.ts"), this.#endings.load()]);
    this.#core = createCore(state);
    this.#drain(state !== undefined);
  }

  /** Inputs one after another; what a deed answers comes after the whole list of effects is done. */
  #turn(): void {
    const core = this.#core;
    if (core === undefined) return;
    this.#turning = true;
    for (let next = this.#inputs.take(core); next !== undefined; next = this.#inputs.take(core)) {
      this.#events.input(next.at, next.input);
      this.#performAll(core.step(next.input, next.at), next.at);
    }
    this.#turning = false;
    this.#remembering.keep(core, this.#catalogs);
    this.#alarm.arm(core.deadline());
  }

  #performAll(effects: readonly Effect[], at: number): void {
    for (const effect of effects) {
      this.#events.effect(at, effect);
      if (effect.t === "tell") this.#inputs.used(effect.id);
      this.#perform(effect);
    }
  }

  /** What the native half has to tell; `wake`: then what is due. */
  #drain(wake = false): void {
    // What is drained counts as dealt with, should this runtime die; before there is a core nothing is.
    if (this.#core === undefined) return;
    for (const events of this.#inputs.handfuls(this.#host.pilot.drain(), wake)) {
      this.#turning = true;
      for (const event of events) this.#native(event);
      this.#turn();
    }
    if (wake) this.push({ t: "wake" });
    else if (this.#inputs.any) this.#turn();
    this.#host.pilot.told();
  }

  #native(event: NativeEvent): void {
    if (event.t === "signal") this.push(this.#processes.signalled(event, this.#loaded.plan));
    else if (event.t === "orphans") this.#processes.accounts.warnOfOrphans();
    else if (event.t === "knock") this.#controls.knock();
    else {
      const probe = event.t === "closed" && this.#processes.record(event.run)?.probe;
      if (probe) this.#outputs.keep(probe, event.output);
      this.#processes.take(event);
    }
  }

  /** What a process did; a sensor's value is also its metric's. */
  #ofProcess(input: Unnumbered): void {
    if (input.t === "exited" && input.captured !== undefined && "code" in input.how && input.how.code === 0) {
      const job = this.#processes.record(input.run)?.job;
      if (job !== undefined) this.#telemetries.record(job, input.captured);
    }
    this.push(input);
  }

  #ofCatalog(input: Unnumbered): void {
    if (input.t === "watched") this.#telemetries.seen(this.#loaded.deeds.watches[input.watch], input.count);
    this.push(input);
  }

  /** Makes a configuration's deeds the ones in force. */
  #adopt({ loaded, text }: { loaded: Loaded; text: string }): void {
    this.#loaded = loaded;
    this.#remembering.config = text;
    const { deeds, plan } = loaded;
    this.#logFile.use(deeds.logging);
    this.#host.environment.add(deeds.environment);
    this.#catalogs.use(deeds.catalog);
    this.#telemetries.use(deeds.telemetry);
    this.#controls.use(deeds.control, deeds.logging.dialect);
    this.#processes.use(policyOf(plan));
    this.#outputs.use(plan);
  }

  #perform(effect: Effect): void {
    const deeds: Deeds = this.#loaded.deeds;
    switch (effect.t) {
      case "spawn":
        this.#processes.spawn(effect, deeds);
        break;
      case "signal":
        this.#processes.signal(effect.run, effect.signo, effect.target, effect.why);
        break;
      case "announce": {
        const service = deeds.services[effect.service];
        if (service === undefined) throw new Error(`no service ${effect.service}`);
        const output = this.#outputs.of(effect.service, effect.status === "passing");
        this.#catalogs.announce(effect.service, service, effect.attempt, effect.status, output);
        break;
      }
      case "withdraw":
        this.#catalogs.withdraw(effect.service, deeds.services[effect.service]);
        break;
      case "watch":
        this.#watch(effect);
        break;
      case "use":
        this.#use(effect.print);
        break;
      case "load":
        void this.#load(effect.request);
        break;
      case "reopen":
        this.#logFile.reopen();
        break;
      case "sweep":
        this.push({ t: "swept", left: this.#processes.accounts.sweep(effect.signo) });
        break;
      case "log":
        this.#endings.do((endings) => endings.hear(effect));
        this.#messages.say(effect, deeds);
        break;
      case "exit":
        this.#leave(effect);
        break;
      case "tell":
        this.#telemetries.told(effect.fact.fact, effect.fact.source);
        this.#messages.told(effect.fact, this.#loaded);
        break;
      case "reply":
        this.#controls.reply(effect.request, effect.ok, effect.body);
        break;
      case "count": {
        const loaded = this.#loaded;
        this.#drains.do((drains) => drains.count(effect, loaded));
        break;
      }
      // No key of a configuration leads to these two: what cannot be done has failed, and ends nothing.
      case "probe":
        this.push({ t: "probed", probe: effect.probe, attempt: effect.attempt, ok: false });
        break;
      case "cron":
        break;
      default:
        effect satisfies never;
    }
  }

  #watch({ watch, on, anew }: Extract<Effect, { t: "watch" }>): void {
    const dependency = this.#loaded.deeds.watches[watch];
    if (!on) this.#catalogs.unwatch(watch);
    else if (dependency !== undefined) this.#catalogs.watch(watch, dependency, anew);
  }

  #use(print: string): void {
    if (this.#staged?.loaded.plan.print === print) this.#adopt(this.#staged);
    this.#staged = undefined;
  }

  /** Reads the configuration again. Its deeds come into force when the core says so (`use`). */
  async #load(request: RequestId): Promise<void> {
    const result = await this.#host.reload();
    this.#controls.loaded(request, result.ok ? [] : result.problems);
    if (result.ok) {
      this.#staged = result;
      this.#messages.loaded(result.loaded);
      this.push({ t: "planned", request, plan: result.loaded.plan });
    } else {
      this.#messages.refused(result.problems);
      this.push({ t: "planRefused", request });
    }
  }

  #leave(exit: Extract<Effect, { t: "exit" }>): void {
    this.#controls.end();
    this.#messages.whenSaid(() => {
      this.#endings.do((endings) => {
        endings.over(exit, (level, text) => this.#messages.line(level, text));
        this.#events.flush();
        this.#host.pilot.exit(exit.code);
      });
    });
  }
}
