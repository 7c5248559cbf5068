/** Metrics as brpc's bvar keeps and prints them. */

/** Cumulative, or set: both print one number. */
export class Value {
  value = 0;

  add(amount: number): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** LatencyRecorder: everything but `_count` describes the last ten seconds. */
const windowMs = 10_000;

const quantiles = [['80', 0.8], ['90', 0.9], ['99', 0.99], ['999', 0.999], ['9999', 0.9999]] as const;

export class Recorder {
  readonly #samples: { readonly ms: number; readonly value: number }[] = [];
  #count = 0;

  add(value: number): void {
    this.#count += 1;
    this.#samples.push({ ms: performance.now(), value });
    if (this.#samples.length > 4096) this.#forget();
  }

  #forget(): void {
    const from = performance.now() - windowMs;
    const first = this.#samples.findIndex((s) => s.ms >= from);
    this.#samples.splice(0, first < 0 ? this.#samples.length : first);
  }

  /** Suffix and value of each number, in brpc's order. */
  rows(): [string, number][] {
    this.#forget();
    const values = this.#samples.map((s) => Math.round(s.value)).sort((a, b) => a - b);
    const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
    const mean = values.length === 0 ? 0 : Math.round(values.reduce((a, b) => a + b, 0) / values.length);
    return [
      ['_latency', mean],
      ...quantiles.map(([name, share]): [string, number] => [`_latency_${name}`, at(share)]),
      ['_max_latency', values.at(-1) ?? 0],
      ['_qps', Math.round(values.length / (windowMs / 1000))],
      ['_count', this.#count],
    ];
  }
}

/** Values by one label. */
export class Labelled {
  readonly label: string;
  readonly #values = new Map<string, Value>();

  constructor(label: string) {
    this.label = label;
  }

  at(key: string): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const made = new Value();
    this.#values.set(key, made);
    return made;
  }

  entries(): [string, number][] {
    return [...this.#values].map(([key, v]) => [key, v.value]);
  }
}

export type Metric = Value | Recorder | Labelled;

/** A number as the exporter prints a double: integers without point, else six significant digits. */
function print(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

export class Registry {
  readonly #metrics = new Map<string, Metric>();

  register<T extends Metric>(name: string, metric: T): T {
    this.#metrics.set(name, metric);
    return metric;
  }

  /** Name (labels included) and value of everything, by name. */
  #rows(labels: (label: string, key: string) => string): [string, number][] {
    const out: [string, number][] = [];
    for (const [name, metric] of this.#metrics) {
      if (metric instanceof Value) out.push([name, metric.value]);
      else if (metric instanceof Recorder) for (const [suffix, value] of metric.rows()) out.push([`${name}${suffix}`, value]);
      else for (const [key, value] of metric.entries()) out.push([`${name}${labels(metric.label, key)}`, value]);
    }
    return out.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  /** `/vars`: `name : value` lines; `pattern` holds names with `*`, separated by `,` or `;`. */
  vars(pattern: string | null): string {
    const wanted = pattern === null || pattern === '' ? [/.*/] : pattern.split(/[,;]/).map((p) => new RegExp(`^${p.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('$', '.')}$`));
    return this.#rows((label, key) => `{${label}=${key}}`)
      .filter(([name]) => wanted.some((w) => w.test(name)))
      .map(([name, value]) => `${name} : ${print(value)}\n`)
      .join('');
  }

  /** `/brpc_metrics`: Prometheus text, every number a gauge. */
  prometheus(): string {
    let last = '';
    const out: string[] = [];
    for (const [name, value] of this.#rows((label, key) => `{${label}="${key}"}`)) {
      const family = name.replace(/\{.*$/, '');
      if (family !== last) out.push(`# HELP ${family}\n# TYPE ${family} gauge\n`);
      last = family;
      out.push(`${name} ${print(value)}\n`);
    }
    return out.join('');
  }
}
