/** The text format 0.0.4, written as Prometheus' Go library writes it: by name, no empty lines, Go's numbers. */
import type { Registry } from "prom-client";
import { formatNumber } from "./number.ts";

export const CONTENT_TYPE = "text/plain; version=0.0.4";

/** What `getMetricsAsJSON` really gives: its declaration leaves out `metricName`, and has numbers for `type`. */
interface Family {
  name: string;
  help: string;
  type: string;
  values: readonly Sample[];
}

interface Sample {
  value: number;
  labels: Readonly<Record<string, string | number>>;
  /** Absent: the family's name. */
  metricName?: string;
}

/** All metrics of a registry that have a sample; the values are read now. */
export async function render(registry: Registry): Promise<string> {
  const families = (await registry.getMetricsAsJSON()) as unknown as readonly Family[];
  const filled = families.filter(({ values }) => values.length > 0);
  return filled
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(renderFamily)
    .join("");
}

function renderFamily({ name, help, type, values }: Family): string {
  const samples = values.map(
    (sample) => `${sample.metricName ?? name}${renderLabels(sample.labels)} ${formatNumber(sample.value)}\n`,
  );
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${samples.join("")}`;
}

function renderLabels(labels: Sample["labels"]): string {
  const pairs = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${labelValue(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** Bounds and quantiles are numbers, but for the last bound, which prom-client gives as text. */
function labelValue(value: string | number): string {
  return typeof value === "number" ? formatNumber(value) : escaped(value).replaceAll('"', '\\"');
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
