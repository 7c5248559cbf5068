import { createServer, type Server } from 'node:http';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scoreDerivations } from '../../server/accuracy/score/derive.js';
import { accuracyJobs } from '../../server/accuracy/start/job.js';
import { readRequest } from '../../server/accuracy/start/request.js';
import { readSide } from '../../server/accuracy/read/side.js';
import { accuracyCompare, accuracyStart } from '../../server/accuracy/tools.js';
import { check, checkFacts } from '../../server/contract/index.js';
import { xllmFlags } from '../../server/programs/xllm-flags.js';
import { verifyRun } from '../../server/runs/verify.js';
import { writeEvaluation } from '../generate/accuracy.js';
import { tempFolder, testConfig } from '../helpers/temp.js';
import { ready, simulate, startXllm, type Service } from '../sim-host/helpers.js';
import { hostOf, newRun, work } from './helpers.js';

const known = new Set(xllmFlags);
let dir: string;
const services: Service[] = [];
const servers: Server[] = [];
beforeAll(async () => {
  dir = await tempFolder();
});
afterAll(() => {
  for (const s of services) for (const r of s.ranks) r.kill('SIGKILL');
  for (const s of servers) s.close();
});

async function simulated(name: string, faults: readonly (string | object)[]): Promise<Service> {
  await mkdir(join(dir, name), { recursive: true });
  const sim = simulate(join(dir, name), { chip: 'Ascend910B3', count: 1, seed: 7, faults }, { XLLM_NPU_SIM_SPEED: '200' });
  const service = await startXllm(sim, 1);
  services.push(service);
  await ready(service);
  return service;
}

const lines = async (path: string): Promise<any[]> => (await readFile(path, 'utf8')).trim().split('\n').filter((l) => l !== '').map((l) => JSON.parse(l));

describe('probes on the simulated service', () => {
  const measure = async (name: string, faults: readonly (string | object)[], level: 'L1' | 'L2' = 'L2') => {
    const service = await simulated(name, faults);
    const host = hostOf(dir);
    const run = await newRun(host);
    const request = readRequest({ run: run.id, endpoint: `${service.url}/v1/`, model: 'Qwen3-0.6B', level }, null);
    const { result, told } = await work(accuracyJobs['accuracy'], { ...request }, host, run, 'accuracy-001');
    const folder = join(run.dir, 'accuracy/accuracy-001');
    const score = JSON.parse(await readFile(join(folder, 'score.json'), 'utf8'));
    expect(check('accuracy-score', score)).toMatchObject({ ok: true });
    const failed = await lines(join(folder, 'failed_cases.jsonl'));
    for (const row of failed) expect(check('failed-case', row)).toMatchObject({ ok: true });
    const again = await verifyRun(run, host, scoreDerivations);
    expect([again.facts.recomputed_equal, again.facts.violations, again.facts.unrecorded]).toEqual([true, [], []]);
    return { result, told, score, failed, folder };
  };

  it('a sound service is clean, and says how far that reaches', async () => {
    const { result, told, score, failed, folder } = await measure('sound', []);
    expect(failed).toEqual([]);
    expect(score).toMatchObject({ verdict: 'clean', scope: 'smoke', items: 13, samples: 26, right: 13, unstable: [], errored: 0 });
    expect(result).toMatchObject({ verdict: 'clean', scope: 'smoke' });
    expect(told.progress.at(-1)).toEqual({ done: 26, total: 26 });
    // The folder is one side of a comparison as it is.
    const side = await readSide(folder);
    expect([side.items.length, side.settings['temperature']]).toEqual([13, '0']);
  });

  it('garbled-output is found and named', async () => {
    const { score, failed } = await measure('garbled', ['garbled-output']);
    expect(score.verdict).toBe('broken');
    expect(score.findings.map((f: any) => f.id)).toContain('garbled-output');
    // Broken after 12 tokens: the copies and the prose are, a bare number is not.
    expect(new Set(failed.map((f) => f.id))).toEqual(new Set(['copy-en', 'copy-zh', 'copy-json', 'copy-code', 'prose-zh', 'prose-en', 'number-boxed'].filter((id) => failed.some((f) => f.id === id))));
    expect(failed.filter((f) => f.id === 'copy-en').every((f) => f.cause === 'garbled' && f.detectors.some((d: any) => d.detector === 'character-run'))).toBe(true);
    expect(failed.some((f) => f.id === 'number-product')).toBe(false);
  });

  it('accuracy-drop is found and named: sound text, wrong answers', async () => {
    const { score, failed, folder } = await measure('drop', ['accuracy-drop']);
    expect(score.verdict).toBe('broken');
    expect(score.findings.map((f: any) => f.id)).toEqual(['wrong-answers']);
    expect(failed.every((f) => f.cause === 'wrong')).toBe(true);
    expect(score.right).toBeLessThan(score.items);
    // What to try next lies beside it; every flag named for xLLM is one the engine has.
    const plan = await readFile(join(folder, 'toggles.md'), 'utf8');
    const named = [...plan.matchAll(/--([a-z_]+)(?==| |,)/g)].map((m) => m[1] ?? '').filter((f) => f.includes('_'));
    expect(named).toEqual(expect.arrayContaining(['enable_graph', 'enable_schedule_overlap', 'enable_prefix_cache', 'enable_chunked_prefill', 'num_speculative_tokens', 'enable_shm', 'dp_size', 'npu_kernel_backend']));
    for (const flag of named) expect(known.has(flag), flag).toBe(true);
  });

  it('accuracy_compare of a sound and a broken folder names the broken texts; of a dropped one, wrong ones', async () => {
    const [sound, garbled, drop] = [await measure('sound-2', []), await measure('garbled-2', ['garbled-output']), await measure('drop-2', ['accuracy-drop'])];
    const compared = async (candidate: string) => accuracyCompare.invoke({ baseline: sound.folder, candidate, margin_pct: 1 }, { config: testConfig(dir), signal: new AbortController().signal, progress: () => undefined });
    const broken = await compared(garbled.folder);
    expect(broken.findings.map((f) => f.id)).toContain('garbled-output');
    expect(broken.facts).toMatchObject({ causes: { wrong: 0 } });
    const wrong = await compared(drop.folder);
    expect(wrong.findings.map((f) => f.id)).not.toContain('garbled-output');
    expect(wrong.facts).toMatchObject({ causes: { garbled: 0, looping: 0 }, candidate_only: 0 });
    expect(wrong.facts['baseline_only']).toBe(13 - drop.score.right);
  }, 60_000);
});

/** A service whose answers are a function of the prompt and the number of the request. */
async function answering(answer: (prompt: string, n: number) => { status?: number; text?: string; finish?: string }): Promise<string> {
  let n = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      n += 1;
      const asked = JSON.parse(body);
      const { status = 200, text = '', finish = 'stop' } = answer(asked.messages[0].content, n);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: text }, finish_reason: finish }], usage: { completion_tokens: 3 } }));
    });
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

describe('probes', () => {
  const probe = async (endpoint: string, more: object = {}) => {
    const host = hostOf(dir);
    const run = await newRun(host);
    const { result } = await work(accuracyJobs['accuracy'], { ...readRequest({ run: run.id, endpoint, model: 'm', level: 'L1', ...more }, null) }, host, run, 'accuracy-001');
    return { result, score: JSON.parse(await readFile(join(run.dir, 'accuracy/accuracy-001/score.json'), 'utf8')) };
  };
  const sound = (prompt: string): string => (prompt.includes('17 * 23') ? '391' : (/"([^"]+)"/.exec(prompt)?.[1] ?? '水从海面蒸发，变成水汽升到高空。水汽遇冷凝结成云，再以雨雪的形式落到地面，流入江河，最后回到大海。'));

  it('a greedy prompt that answers differently is nondeterministic', async () => {
    const endpoint = await answering((prompt, n) => ({ text: prompt.includes('17 * 23') && n > 3 ? '392' : sound(prompt) }));
    const { score } = await probe(endpoint, { repeats: 3 });
    expect(score.unstable).toEqual([{ id: 'number-product', repeats: 3, texts: 2, scores_differ: true }]);
    expect(score.findings.map((f: any) => f.id)).toEqual(expect.arrayContaining(['nondeterministic', 'wrong-answers']));
  });

  it('cut answers are inconclusive, not broken', async () => {
    const { score } = await probe(await answering((prompt) => (prompt.includes('17 * 23') ? { text: 'Let us see. Seventeen', finish: 'length' } : { text: sound(prompt) })));
    expect(score).toMatchObject({ verdict: 'inconclusive', findings: [{ id: 'truncation' }] });
  });

  it('failed requests are counted and keep it from being clean; none answered is an error', async () => {
    const { score } = await probe(await answering((prompt) => (prompt.includes('17 * 23') ? { status: 500 } : { text: sound(prompt) })));
    expect(score).toMatchObject({ verdict: 'inconclusive', errored: 2, requested: 6, samples: 4, findings: [{ id: 'requests-failed' }] });
    await expect(probe(await answering(() => ({ status: 503 })))).rejects.toMatchObject({ code: 'E_SERVICE_FAILED' });
    await expect(probe('http://127.0.0.1:9')).rejects.toMatchObject({ code: 'E_SERVICE_FAILED' });
  });
});

describe('evalscope as the client', () => {
  /** A program in the place of evalscope: its help, its version, and a work folder as evalscope leaves it. */
  const standIn = async (name: string, behaviour: string): Promise<string> => {
    const bin = join(dir, name);
    const made = join(dir, `${name}-made`);
    writeEvaluation(made, 'Qwen3-0.6B', Array.from({ length: 20 }, (_, index) => ({ index, score: index < 3 ? 0 : 1, ...(index < 2 ? { text: 'The', stop: 'max_tokens', extracted: '' } : {}) })), { requested: 21 });
    await mkdir(bin, { recursive: true });
    const help = ['usage: evalscope <command> [<args>] eval [-h]', ...['model', 'api-url', 'api-key', 'eval-type', 'datasets', 'dataset-args', 'dataset-dir', 'generation-config', 'eval-batch-size', 'limit', 'work-dir', 'no-timestamp', 'repeats', 'seed'].map((f) => `  --${f} X  text`)].join('\n');
    await writeFile(join(bin, 'evalscope'), `#!/bin/sh\ncase "$*" in\n*--help*) cat <<'H'\n${help}\nH\n;;\n--version) echo 'evalscope, version 1.4.2';;\n*) for a in "$@"; do [ "$before" = --work-dir ] && out="$a"; before="$a"; done\n${behaviour.replaceAll('MADE', made)}\n;;\nesac\n`);
    await chmod(join(bin, 'evalscope'), 0o755);
    return bin;
  };
  const evaluate = async (bin: string) => {
    const host = hostOf(dir, bin);
    const run = await newRun(host);
    const request = readRequest({ run: run.id, endpoint: 'http://127.0.0.1:9', model: 'Qwen3-0.6B', level: 'L3', datasets: ['gsm8k'] }, null);
    const { result } = await work(accuracyJobs['accuracy'], { ...request }, host, run, 'accuracy-001');
    return { host, run, result, folder: join(run.dir, 'accuracy/accuracy-001') };
  };

  it('its output is scored, its raw files kept, lost samples and cut answers said', async () => {
    const { host, run, result, folder } = await evaluate(await standIn('works', 'cp -r MADE/. "$out/"; echo "$@"'));
    const score = JSON.parse(await readFile(join(folder, 'score.json'), 'utf8'));
    expect(score).toMatchObject({ verdict: 'measured', scope: 'bad-cases', items: 20, right: 17, score_pct: 85, requested: 21, errored: 1, endings: { truncated: 2, unparsed: 2 }, failed_cases: 3 });
    expect((await lines(join(folder, 'failed_cases.jsonl'))).map((f) => f.cause).sort()).toEqual(['truncated', 'truncated', 'wrong']);
    expect(await lines(join(folder, 'raw_predictions.jsonl'))).toHaveLength(20);
    expect(result).toMatchObject({ verdict: 'measured', score_pct: 85 });
    const config = JSON.parse(await readFile(join(folder, 'request_config.json'), 'utf8'));
    expect([config.client_version, config.settings.limit]).toEqual(['1.4.2', '20']);
    const again = await verifyRun(run, host, scoreDerivations);
    expect([again.facts.recomputed_equal, again.facts.unrecorded]).toEqual([true, []]);
    // Both forms of one evaluation give the same items.
    const [rows, raw] = [await readSide(folder), await readSide(join(folder, 'raw'))];
    expect(rows.items.map((i) => [i.id, i.answers[0]?.score])).toEqual(raw.items.map((i) => [i.id, i.answers[0]?.score]));
  });
  it('a client that fails is an error with its log kept', async () => {
    await expect(evaluate(await standIn('fails', 'echo no dataset >&2; exit 3'))).rejects.toMatchObject({ code: 'E_PROGRAM_FAILED' });
  });
  it('no evalscope here is said before anything starts', async () => {
    const host = hostOf(dir);
    if ((await host.has('evalscope')) !== null) return;
    const run = await newRun(host);
    await expect(work(accuracyJobs['accuracy'], { ...readRequest({ run: run.id, endpoint: 'http://127.0.0.1:9', model: 'm', level: 'L4', datasets: ['gsm8k'] }, null) }, host, run, 'accuracy-001')).rejects.toMatchObject({ code: 'E_PROGRAM_MISSING' });
  });
});

describe('accuracy_start', () => {
  it('plans without starting, and refuses what does not make the level', async () => {
    const host = hostOf(dir);
    const run = await newRun(host);
    const context = { config: testConfig(dir), signal: new AbortController().signal, progress: () => undefined };
    const base = { run: run.id, endpoint: 'http://127.0.0.1:8010', model: 'm' };
    const answer = await accuracyStart.invoke({ ...base, level: 'L2', dry_run: true }, context);
    expect(checkFacts('accuracy_start', answer.facts)).toEqual([]);
    expect(answer).toMatchObject({ verdict: 'planned', facts: { job: null, method: 'probe', scope: 'smoke', requests: 26 } });
    const refused = (more: object): Promise<string> => accuracyStart.invoke({ ...base, ...more }, context).then(() => 'accepted', (e: { code: string }) => e.code);
    expect(await refused({ level: 'L1', datasets: ['gsm8k'] })).toBe('E_ARG_CONFLICT');
    expect(await refused({ level: 'L3' })).toBe('E_ARG_MISSING');
    expect(await refused({ level: 'L4', datasets: ['gsm8k', 'ceval'] })).toBe('E_ARG_CONFLICT');
    expect(await refused({ level: 'L5', datasets: ['gsm8k'], limit: 10 })).toBe('E_ARG_CONFLICT');
    expect(await refused({ level: 'L3', datasets: ['--rerun-review'] })).toBe('E_ARG_TYPE');
    expect(await refused({ level: 'L1', model: '--api-key' })).toBe('E_ARG_TYPE');
    expect(await refused({ level: 'L1', endpoint: 'file:///etc/passwd' })).toBe('E_ARG_TYPE');
    expect(await refused({ level: 'L3', datasets: ['gsm8k'], dataset_dir: '/etc' })).toBe('E_PATH_OUTSIDE');
  });
});
