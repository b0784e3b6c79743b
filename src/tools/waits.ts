/** Waits that can never end, told from the Plan alone: which jobs nothing that can happen will ever start. */
import type { Cond, Job, JobId, Leaf, Plan } from "../plan.ts";

export interface DeadWait {
  job: JobId;
  reason: string;
}

/**
 * The least set of jobs that can start, grown from what needs no other job; the rest waits for ever, in circles too. Jobs that
 * have no start at all (`times: 0`) are somebody else's warning.
 */
export function deadWaits(plan: Plan): readonly DeadWait[] {
  const jobs = new Map(plan.jobs.map((job) => [job.id, job]));
  const known = new Set([
    ...plan.watches.map(({ id }) => id),
    ...plan.jobs.flatMap(({ probes }) => probes.map(({ id }) => id)),
  ]);
  const live = new Set<JobId>();
  const comes = (leaf: Leaf): boolean => canCome(leaf, jobs, known, live);
  for (let before = -1; before < live.size; ) {
    before = live.size;
    for (const { id, start } of plan.jobs) if (start.times > 0 && holds(start.on, comes)) live.add(id);
  }
  return plan.jobs
    .filter(({ id, start }) => start.times > 0 && !live.has(id))
    .map(({ id, start }) => ({ job: id, reason: reasonOf(start.on, comes, jobs) }));
}

function holds(on: Cond, comes: (leaf: Leaf) => boolean): boolean {
  if (!("of" in on)) return comes(on);
  return on.of.filter((part) => holds(part, comes)).length >= on.atLeast;
}

function canCome(
  { fact, source }: Leaf,
  jobs: ReadonlyMap<JobId, Job>,
  known: ReadonlySet<string>,
  live: ReadonlySet<JobId>,
): boolean {
  const job = jobs.get(source);
  if (!job) return source === "global" || fact === "signal" || fact === "rendered" || known.has(source);
  switch (fact) {
    case "stopping":
    case "stopped":
      // Told of every job at the container's stop, whether it ever ran or not.
      return true;
    case "timerExpired":
      return job.start.within !== undefined;
    case "healthy":
    case "unhealthy":
      return live.has(source) && job.probes.length > 0;
    case "exitSuccess":
    case "exitFailed":
      return live.has(source) && job.exec;
    case "gaveUp":
      return live.has(source) && job.exec && job.restart.limit < Number.POSITIVE_INFINITY;
    default:
      return live.has(source);
  }
}

/** The first leaf that cannot come, and why. */
function reasonOf(on: Cond, comes: (leaf: Leaf) => boolean, jobs: ReadonlyMap<JobId, Job>): string {
  const leaf = leavesOf(on).find((one) => !comes(one)) as Leaf;
  const job = jobs.get(leaf.source);
  const wait = `it waits for ${leaf.fact} of ${leaf.source}`;
  if (!job) return `${wait}, which names nothing`;
  if (job.start.times === 0) return `${wait}, which never starts`;
  if ((leaf.fact === "healthy" || leaf.fact === "unhealthy") && job.probes.length === 0)
    return `${wait}, which has no health`;
  if (leaf.fact === "timerExpired") return `${wait}, which has no timeout in its when`;
  if (leaf.fact.startsWith("exit") && !job.exec) return `${wait}, which runs nothing`;
  return `${wait}, which waits itself for ${leavesOf(job.start.on)
    .map(({ fact, source }) => `${fact} of ${source}`)
    .join(", ")}`;
}

function leavesOf(on: Cond): readonly Leaf[] {
  return "of" in on ? on.of.flatMap(leavesOf) : [on];
}
