import type { JobState, ServiceIncident, ServiceMemory, ServiceStartFacts, ToolOk } from '../contract/index.js';
import { cell, fenced, number, table } from '../contract/index.js';
import { z } from 'zod';
import { progressOf } from './result.js';
import { maxFactsChars } from './thresholds.js';

const late = z.object({ memory: z.unknown(), incident: z.unknown() });

function isIncident(value: unknown): value is ServiceIncident {
  return z.object({ rank: z.number().nullable(), class: z.string(), meaning: z.string(), file: z.string().nullable() }).safeParse(value).success;
}
function isMemory(value: unknown): value is ServiceMemory {
  return z.object({ workers: z.array(z.unknown()), kv_cache_bytes: z.number().nullable() }).safeParse(value).success;
}

/** Facts of a service as its job stands. Start lines beyond what fits stay in the record. */
export function startFacts(state: JobState): ServiceStartFacts {
  const progress = progressOf(state);
  const rest = late.safeParse(state.result);
  const facts: ServiceStartFacts = {
    run: state.run,
    job: `${state.run}/${state.job}`,
    stage: state.stage,
    endpoint: progress?.endpoint ?? null,
    command: progress?.command ?? [],
    ranks: progress?.ranks ?? [],
    ports: progress === null ? null : { http: [progress.ports.http[0] ?? 0, progress.ports.http[1] ?? 0], master: progress.ports.master, hccl_base: progress.ports.hccl_base },
    devices: progress?.devices ?? [],
    ready_s: progress?.ready_s ?? null,
    memory: rest.success && isMemory(rest.data.memory) ? rest.data.memory : null,
    incident: rest.success && isIncident(rest.data.incident) ? rest.data.incident : null,
    left: state.left,
  };
  return cut(facts);
}

/** Drops start lines from the end until the facts fit; the first always stays. */
export function cut(facts: ServiceStartFacts): ServiceStartFacts {
  const command = [...facts.command];
  let dropped = 0;
  while (command.length > 1 && JSON.stringify({ ...facts, command }).length > maxFactsChars) {
    command.pop();
    dropped += 1;
  }
  return dropped === 0 ? facts : { ...facts, command, command_cut: dropped };
}

function isStart(facts: Record<string, unknown>): facts is ServiceStartFacts & Record<string, unknown> {
  return Array.isArray(facts['command']) && Array.isArray(facts['ranks']);
}

const gib = (bytes: number | null): string => (bytes === null ? '–' : `${number(bytes / 1024 ** 3)} GiB`);

/** Markdown of service_start: the incident first, then ranks, memory and start lines; foreign text fenced. */
export function startText(result: ToolOk): string {
  if (!isStart(result.facts)) return '';
  const f = result.facts;
  const lines = [`- run ${f.run}, job ${f.job ?? '– (dry run)'}, stage ${f.stage ?? '–'}`, `- endpoint: ${f.endpoint ?? '–'}`, `- devices: ${f.devices.length === 0 ? '–' : f.devices.join(', ')}`];
  if (f.ready_s != null) lines.push(`- ready after ${number(f.ready_s)} s`);
  if (f.ports !== null) lines.push(`- ports: HTTP ${f.ports.http.join('–')}, master ${f.ports.master === null ? '–' : f.ports.master.join('–')}, HCCL ${f.ports.hccl_base ?? '–'}`);
  if (f.incident !== null) {
    const i = f.incident;
    lines.push(`- incident: rank ${i.rank ?? '–'}, ${i.class} (${i.pattern}), ${cell(i.file)} line ${i.line ?? '–'}: ${i.meaning}`);
    if (i.text !== null) lines.push('', fenced(i.text, 'log line', 400));
  }
  if (f.memory !== null) {
    const m = f.memory;
    lines.push(`- memory: weights ${gib(m.weights_bytes)}, KV ${gib(m.kv_cache_bytes)}, blocks ${m.kv_blocks ?? '–'} of ${m.block_size ?? '–'} tokens, capacity ${m.token_capacity ?? '–'} tokens, ${m.max_concurrency === null ? 'no printed concurrency' : `${m.max_concurrency.times}x at ${m.max_concurrency.tokens_per_request} tokens`}`);
    for (const w of m.workers) lines.push(`  - worker ${w.worker}: available ${gib(w.available_bytes)} of ${gib(w.total_bytes)}`);
  }
  if (f.ranks.length > 0) lines.push('', table(['rank', 'pid', 'devices', 'port', 'log'], f.ranks.map((r) => [r.rank, r.pid, r.devices.join(','), r.port, r.log])));
  if (f.command.length > 0) lines.push('', fenced(f.command.join('\n'), 'start lines', 4000));
  if (f.command_cut !== undefined) lines.push(`${f.command_cut} more start lines stand in service.json and command_rank_N.sh`);
  for (const left of f.left ?? []) lines.push(`- left: ${cell(left)}`);
  return lines.join('\n');
}
