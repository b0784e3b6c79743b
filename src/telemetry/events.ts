import type { FactName } from "../plan.ts";

/** ContainerPilot 3.8.0's names of its events: in its DEBUG lines, and in the label `code` of `containerpilot_events`. */
export const EVENT_CODES: Readonly<Record<FactName, string>> = {
  startup: "Startup",
  shutdown: "Shutdown",
  exitSuccess: "ExitSuccess",
  exitFailed: "ExitFailed",
  stopping: "Stopping",
  stopped: "Stopped",
  healthy: "StatusHealthy",
  unhealthy: "StatusUnhealthy",
  changed: "StatusChanged",
  timerExpired: "TimerExpired",
  enterMaintenance: "EnterMaintenance",
  exitMaintenance: "ExitMaintenance",
  signal: "Signal",
  // Not among the original's.
  ready: "Ready",
  rendered: "Rendered",
  gaveUp: "GaveUp",
};
