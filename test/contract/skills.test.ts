import { readdirSync, readFileSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join, relative, resolve } from 'node:path';
import matter from 'gray-matter';
import { describe, expect, it } from 'vitest';
import { mainJs } from '../helpers/stdio.js';

// The rules of the Agent Skills specification and of the clients, as one checker.
const allowedKeys = ['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools'];

/** Every rule a skill folder breaks, in words. `text` is its SKILL.md, `exists` says whether a relative path is there. */
export function skillProblems(folder: string, text: string, exists: (path: string) => boolean, tools: readonly string[]): string[] {
  const problems: string[] = [];
  const rule = (holds: boolean, words: string): void => {
    if (!holds) problems.push(words);
  };
  if (!/^---\r?\n[\s\S]*?\r?\n---\r?\n/.test(text)) return ['no YAML frontmatter'];
  // The JavaScript engine of the library evaluates code; frontmatter here is YAML only.
  const refuse = (): never => {
    throw new Error('frontmatter must be YAML');
  };
  const { data, content } = matter(text, { engines: { js: refuse, javascript: refuse, json: refuse } });
  const { name, description, metadata, compatibility } = data as Record<string, unknown>;
  rule(Object.keys(data).every((k) => allowedKeys.includes(k)), `keys other than ${allowedKeys.join(', ')}`);
  rule(typeof name === 'string' && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) && name.length <= 64, 'name is not lower-case words with single hyphens');
  rule(name === folder, 'name is not the folder name');
  rule(typeof description === 'string' && description.length >= 200 && description.length <= 400, `description has ${typeof description === 'string' ? description.length : 0} characters, not 200–400`);
  rule(typeof description === 'string' && /^use (when|before|after|to)\b/i.test(description), 'description does not start with the trigger (Use when …)');
  rule(typeof description === 'string' && /[\u4e00-\u9fff]/.test(description), 'description lacks the Chinese words users say');
  rule(compatibility === undefined || (typeof compatibility === 'string' && compatibility.length <= 500), 'compatibility above 500 characters');
  rule(metadata === undefined || Object.values(metadata as object).every((v) => typeof v === 'string'), 'metadata values must be strings');
  const lines = text.trimEnd().split('\n').length;
  rule(lines >= 80 && lines <= 250, `${lines} lines, not 80–250`);
  rule(content.length / 4 < 5000, 'body above 5,000 tokens');
  for (const [, target = ''] of content.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    rule(!target.startsWith('/') && !target.startsWith('..') && target.split('/').length <= 2, `link ${target} is not one level deep`);
    rule(exists(target), `link ${target} leads nowhere`);
  }
  for (const [, tool = ''] of content.matchAll(/`([a-z]+_[a-z]+)`(?=[^`]*)/g)) {
    if (/^(env|run|service|bench|profile|pipeline|capacity|compute|accuracy|incident|review|op|loop|history|job)_[a-z]+$/.test(tool)) rule(tools.includes(tool), `names the tool ${tool}, which is not served`);
  }
  rule(!/mcp__|xllm-npu_[a-z]+_/.test(content), 'names a client\'s own tool prefix');
  return problems;
}

const tools = (JSON.parse(execFileSync(process.execPath, [mainJs, 'tools', '--json'], { encoding: 'utf8' })) as { name: string }[]).map((t) => t.name);
const skills = readdirSync('skills').filter((s) => statSync(join('skills', s)).isDirectory());

describe('every skill keeps the rules', () => {
  it.each(skills)('%s', (skill) => {
    const dir = join('skills', skill);
    const there = (path: string): boolean => {
      const full = resolve(dir, path);
      return !relative(dir, full).startsWith('..') && statSync(full, { throwIfNoEntry: false })?.isFile() === true;
    };
    expect(skillProblems(skill, readFileSync(join(dir, 'SKILL.md'), 'utf8'), there, tools)).toEqual([]);
  });
  it('every reference file is linked from its skill, with the condition for opening it', () => {
    for (const skill of skills) {
      const body = readFileSync(join('skills', skill, 'SKILL.md'), 'utf8');
      for (const file of readdirSync(join('skills', skill), { recursive: true, encoding: 'utf8' }).filter((f) => dirname(f) === 'references' && f.endsWith('.md'))) {
        const line = body.split('\n').find((l) => l.includes(file));
        expect(line, `${skill}/${file}`).toMatch(/\b(if|when|before|for)\b/i);
      }
    }
  });
});

describe('the checker finds what it is for', () => {
  const body = Array.from({ length: 90 }, (_, i) => `line ${i}`).join('\n');
  const good = (front: string, extra = ''): string => `---\n${front}\n---\n${body}\n${extra}\n`;
  const description = `Use when ${'x'.repeat(200)} 分析`;
  const problems = (text: string): string[] => skillProblems('a-b', text, (p) => p === 'references/x.md', ['env_probe']);
  it('nothing wrong', () => {
    expect(problems(good(`name: a-b\ndescription: ${description}`, 'see [x](references/x.md) and `env_probe`'))).toEqual([]);
  });
  it.each([
    [`name: A--b\ndescription: ${description}`, '', /lower-case/],
    [`name: a-c\ndescription: ${description}`, '', /folder name/],
    ['name: a-b\ndescription: Use when short 分', '', /characters/],
    [`name: a-b\ndescription: ${'x'.repeat(200)}分析`, '', /trigger/],
    [`name: a-b\ndescription: Use when ${'x'.repeat(200)}`, '', /Chinese/],
    [`name: a-b\ndescription: ${description}\nargument-hint: x`, '', /keys/],
    [`name: a-b\ndescription: ${description}\nmetadata:\n  version: 0.1`, '', /metadata/],
    [`name: a-b\ndescription: ${description}`, '[x](references/y.md)', /nowhere/],
    [`name: a-b\ndescription: ${description}`, '[x](references/deep/x.md)', /one level/],
    [`name: a-b\ndescription: ${description}`, 'call `env_prob`', /not served/],
    [`name: a-b\ndescription: ${description}`, 'call mcp__npu__env_probe', /prefix/],
  ])('%s %s', (front, extra, expected) => {
    expect(problems(good(front, extra)).join('; ')).toMatch(expected);
  });
  it('code in frontmatter is refused, not run', () => {
    expect(() => problems(`---js\n{ name: process.exit(3) }\n---\n${body}`)).not.toThrow();
    expect(problems(`---js\n{ name: 1 }\n---\n${body}`)).toEqual(['no YAML frontmatter']);
  });
});
