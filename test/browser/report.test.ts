import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { report } from '../../server/report/write.js';
import type { Run } from '../../server/runs/runs.js';
import { richRun } from '../generate/report-run.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => existsSync(p));
/** Where pictures to look at go; none are taken without it. */
const pictures = process.env['REPORT_PICTURES'];
const dir = await tempFolder();
let browser: Browser;
let run: Run;

describe.skipIf(program === undefined)('report.html in Chromium (skipped where no Chromium is installed)', () => {
  beforeAll(async () => {
    run = await richRun(testHost(dir));
    await run.writeReport({ tool: 'run_report', input: {} }, await report(run, { format: null, language: 'en' }));
    browser = await chromium.launch({ executablePath: program ?? '', args: ['--no-sandbox'] });
  }, 90_000);
  afterAll(() => browser.close());

  async function open(options: { colorScheme: 'light' | 'dark'; width?: number }): Promise<{ page: Page; problems: string[]; asked: string[] }> {
    const page = await browser.newPage({ colorScheme: options.colorScheme, viewport: { width: options.width ?? 1100, height: 900 } });
    const problems: string[] = [];
    const asked: string[] = [];
    page.on('console', (m) => problems.push(m.text()));
    page.on('pageerror', (e) => problems.push(e.message));
    page.on('request', (r) => asked.push(r.url()));
    await page.goto(pathToFileURL(join(run.dir, 'report.html')).href);
    return { page, problems, asked };
  }

  it.each(['light', 'dark'] as const)('in %s: no console message, nothing fetched, no foreign script ran, text readable on its background', async (colorScheme) => {
    const { page, problems, asked } = await open({ colorScheme });
    expect(problems).toEqual([]);
    expect(asked.filter((u) => !u.startsWith('file:') && !u.startsWith('data:'))).toEqual([]);
    expect(await page.locator('script').count()).toBe(0);
    expect(await page.locator('.verdict strong').textContent()).toBe('supported (formal)');
    // WCAG relative luminance, of text and page as Chromium computed them.
    const [text, back] = await page.evaluate<string[]>('[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]');
    const luminance = (css: string): number => {
      const [r = 0, g = 0, b = 0] = (css.match(/\d+/g) ?? []).map((v) => Number(v) / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [a, b] = [luminance(text ?? ''), luminance(back ?? '')].sort((x, y) => y - x);
    expect(((a ?? 0) + 0.05) / ((b ?? 0) + 0.05)).toBeGreaterThan(7);
    expect((luminance(back ?? '') > 0.5) === (colorScheme === 'light')).toBe(true);
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${colorScheme}.png`), fullPage: true });
    }
    await page.close();
  }, 60_000);

  it('the first key press reaches the skip link, tables open by keyboard, links lead to files that are there', async () => {
    const { page } = await open({ colorScheme: 'light' });
    await page.keyboard.press('Tab');
    expect(await page.evaluate<string>('document.activeElement.getAttribute("href")')).toBe('#main');
    await page.locator('#curve details summary').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('#curve table').isVisible()).toBe(true);
    const links = await page.evaluate<string[]>('[...new Set([...document.querySelectorAll("a[href]")].filter((a) => !a.getAttribute("href").startsWith("#")).map((a) => a.href))]');
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect(existsSync(new URL(link)), link).toBe(true);
    await page.close();
  }, 60_000);

  it('on a narrow screen the page does not scroll sideways', async () => {
    const { page } = await open({ colorScheme: 'light', width: 390 });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.close();
  }, 60_000);
});
