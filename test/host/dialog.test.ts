import { afterEach, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDialog, type Dialog } from '../../server/host/dialog.js';
import { processesOf, waitUntil } from '../../server/host/processes.js';
import { processTree } from '../../server/host/tree.js';
import { tempFolder } from '../helpers/temp.js';

const open: Dialog[] = [];
const mark = 'dialog-test/job-001';
async function talk(script: string): Promise<Dialog> {
  const dialog = await openDialog('bash', ['-c', script], { PATH: process.env['PATH'] ?? '' }, { cwd: await tempFolder(), mark, maxChars: 2000 });
  open.push(dialog);
  return dialog;
}
afterEach(async () => {
  for (const dialog of open.splice(0)) await dialog.close(0);
});

describe('a dialog', () => {
  it('sees a prompt without a line end, sends, and waits for the answer however late and in pieces', async () => {
    const dialog = await talk('printf "> "; read x; printf "got "; sleep 0.3; echo "$x"; printf "> "; read y; echo bye');
    expect(await dialog.until(() => (dialog.rest === '> ' ? true : null), 5000)).toBe(true);
    expect(dialog.send('start')).toBe(true);
    expect(await dialog.until(() => dialog.lines.find((l) => l.endsWith('start')) ?? null, 5000)).toBe('> got start');
    dialog.send('q');
    expect(await dialog.until(() => dialog.lines.find((l) => l.includes('bye')) ?? null, 5000)).toBe('> bye');
  });
  it('answers null when time runs out, when the program ends, and when it is told to stop waiting', async () => {
    const waiting = await talk('sleep 60');
    expect(await waiting.until(() => null, 100)).toBeNull();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(await waiting.until(() => null, 60_000, stop.signal)).toBeNull();
    const ended = await talk('exit 3');
    expect(await ended.until(() => null, 60_000)).toBeNull();
    expect(ended.exit).toEqual({ code: 3, signal: null });
    expect(ended.send('x')).toBe(false);
  });
  it('keeps its input open until it is closed, and then ends what does not end by itself, children too', async () => {
    const reader = await talk('while read x; do :; done; exit 5');
    await sleep(200);
    expect(reader.exit).toBeNull();
    await reader.close(5000);
    expect(reader.exit?.code).toBe(5);
    const stubborn = await talk('trap "" TERM; (trap "" TERM; sleep 600) & while :; do sleep 1; done');
    // The shell, its child, and the child's sleep.
    expect(await waitUntil(async () => (await processesOf({ mark })).length >= 3, 10_000)).toBe(true);
    await stubborn.close(100);
    expect(await waitUntil(async () => (await processesOf({ mark })).length === 0, 10_000)).toBe(true);
  });
  it('keeps a bounded part of what a program prints without end, lines or not', async () => {
    const spinning = await talk('for i in $(seq 3000); do printf "> "; done; echo; for i in $(seq 3000); do echo line; done; sleep 60');
    await spinning.until(() => (spinning.lines.length > 100 ? true : null), 5000);
    await sleep(300);
    expect(spinning.lines.join('\n').length + spinning.rest.length).toBeLessThan(2000 + 4096 * 2);
  });
});

describe('a process tree', () => {
  it('is the processes and what they started, living ones only', async () => {
    const parent = await talk('sleep 61 & sleep 62 & wait');
    expect(await waitUntil(async () => (await processTree([parent.pid])).length === 3, 10_000)).toBe(true);
    expect((await processTree([parent.pid, 4_194_303]))[0]).toBe(parent.pid);
    expect(await processTree([4_194_303])).toEqual([]);
  });
});
