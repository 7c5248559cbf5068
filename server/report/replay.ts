import { foreign, producer, shellJoin, shellQuote } from '../contract/index.js';
import type { Evidence } from './gather.js';

export interface Step {
  readonly name: string;
  /** In our own words. */
  readonly about: string;
  /** One shell line, quoted. */
  readonly line: string;
}

/** Tools whose input alone computes their artifact again. */
const readers = ['bench_import', 'bench_compare', 'profile_analyze', 'pipeline_analyze', 'capacity_plan', 'compute_simulate', 'accuracy_compare', 'incident_triage', 'review_diff', 'op_verify'];

const here = (path: string): string => `"$here"/${shellQuote(path)}`;

function serviceSteps(e: Evidence): Step[] {
  const scripts = [...e.files.values()].filter((f) => f.kind === 'service-command').map((f) => f.path);
  if (scripts.length > 0) return scripts.map((path, i) => ({ name: `service-${i + 1}`, about: `start a rank of the service: ${foreign(path, 200)}`, line: `sh ${here(path)}` }));
  const records = e.of('service-record').flatMap((r) => r.value.command);
  const commands = records.length > 0 ? records : (e.manifest.service.command ?? []);
  return commands.filter((argv) => argv.length > 0).map((argv, i) => ({ name: `service-${i + 1}`, about: 'start a process of the service (arguments only; its environment is not recorded)', line: shellJoin(argv) }));
}

function benchSteps(e: Evidence): Step[] {
  const passes = e.passes.flatMap((p) => (p.command === null || p.command.length === 0 ? [] : [{ folder: p.folder, argv: p.command }]));
  const stated = passes.length > 0 ? [] : (e.manifest.workload.command ?? []).filter((argv) => argv.length > 0).map((argv) => ({ folder: 'manifest.yaml', argv }));
  return [...passes, ...stated].map(({ folder, argv }, i) => ({
    name: `bench-${i + 1}`,
    about: `benchmark ${foreign(folder, 200)}${argv[0] === 'probe' ? ' (the built-in client: bench_start with the same values)' : ''}`,
    line: argv[0] === 'probe' ? `printf '%s\\n' ${shellQuote(`no program: ${shellJoin(argv)}`)} >&2; exit 3` : shellJoin(argv),
  }));
}

function accuracySteps(e: Evidence): Step[] {
  return e.evaluations.filter(({ command }) => command.length > 0).map(({ path, command }, i) => ({ name: `accuracy-${i + 1}`, about: `evaluation ${foreign(path, 200)}`, line: shellJoin(command) }));
}

function captureSteps(e: Evidence): Step[] {
  return e.of('capture-record').flatMap((r) => r.value.command).filter((argv) => argv.length > 0).map((argv, i) => ({ name: `capture-${i + 1}`, about: 'a program of the capture, with the process ids of that day', line: shellJoin(argv) }));
}

function analysisSteps(e: Evidence): Step[] {
  const seen = new Set<string>();
  const steps: Step[] = [];
  for (const event of e.events) {
    const tool = event.tool ?? '';
    if (event.kind !== 'computed' || !readers.includes(tool)) continue;
    const line = shellJoin(['xllm-npu', 'call', tool, JSON.stringify(event.input ?? {})]);
    if (seen.has(line)) continue;
    seen.add(line);
    steps.push({ name: `analysis-${steps.length + 1}`, about: tool, line });
  }
  return steps;
}

/** The exact commands of a run, in the order they make sense again. */
export function replaySteps(e: Evidence): Step[] {
  return [{ name: 'verify', about: 'check every hash and compute every verdict again', line: 'xllm-npu validate "$here"' }, ...serviceSteps(e), ...benchSteps(e), ...accuracySteps(e), ...captureSteps(e), ...analysisSteps(e)];
}

/** replay.sh: lists the steps; runs those named. Nothing starts by itself. */
export function replayScript(e: Evidence): string {
  const steps = replaySteps(e);
  return [
    '#!/bin/sh',
    `# Exact commands of run ${e.run.id}, written by ${producer.name} ${producer.version}.`,
    '#   sh replay.sh            lists the steps',
    '#   sh replay.sh STEP...    runs the named steps',
    '# Values that looked secret read [redacted]; put them in before such a step is run.',
    'set -eu',
    'here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)',
    'if [ "$#" -eq 0 ]; then',
    ...steps.map((s) => `  printf '%s\\t%s\\n' ${shellQuote(s.name)} ${shellQuote(s.about)}`),
    '  exit 0',
    'fi',
    'for step in "$@"; do',
    '  case "$step" in',
    ...steps.flatMap((s) => [`    ${s.name})`, `      ${s.line}`, '      ;;']),
    '    *)',
    `      printf '%s\\n' "no step $step" >&2`,
    '      exit 2',
    '      ;;',
    '  esac',
    'done',
    '',
  ].join('\n');
}
