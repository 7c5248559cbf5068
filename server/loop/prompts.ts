import { join } from 'node:path';
import matter from 'gray-matter';
import { z } from 'zod';
import { foreign, ToolError } from '../contract/index.js';
import { listFolder, readText } from '../host/files.js';
import type { Prompt } from '../mcp/define.js';

const frontMatter = z.object({
  title: z.string().min(1),
  title_zh: z.string().min(1),
  description: z.string().min(1),
  arguments: z.array(z.object({ name: z.string().regex(/^[a-z_]+$/), description: z.string().min(1), required: z.boolean() })),
});

/** Longest value put into a prompt. */
const valueLimit = 2000;
const language = { name: 'language', description: 'en or zh', required: false } as const;
const unset = { en: 'not given', zh: '未给出' } as const;

function section(body: string, heading: string): string {
  return (body.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '').slice(heading.length).trim();
}

/** One file of prompts/: front matter, then the same task in English and in Chinese with `{{argument}}` places. @throws ToolError E_FORMAT_UNKNOWN for a file of another shape */
export function parsePrompt(name: string, text: string): Prompt {
  const { data, content } = matter(text);
  const head = frontMatter.safeParse(data);
  const bodies = { en: section(content, 'English'), zh: section(content, '中文') };
  if (!head.success || bodies.en === '' || bodies.zh === '') throw new ToolError('E_FORMAT_UNKNOWN', `prompt ${foreign(name, 60)} has no front matter or lacks a language`, 'install the package again');
  const { title, title_zh, description, arguments: args } = head.data;
  const names = [...args.map((a) => a.name), language.name];
  return {
    name,
    title: `${title} / ${title_zh}`,
    description,
    arguments: [...args, language],
    render: (given) => {
      const unknown = Object.keys(given).filter((key) => !names.includes(key));
      if (unknown.length > 0) throw new ToolError('E_ARG_UNKNOWN', `${name} has no argument ${unknown.map((k) => foreign(k, 40)).join(', ')}`, `arguments: ${names.join(', ')}`);
      const missing = args.filter((a) => a.required && (given[a.name] ?? '').trim() === '').map((a) => a.name);
      if (missing.length > 0) throw new ToolError('E_ARG_MISSING', `${name} needs ${missing.join(', ')}`, `arguments: ${names.join(', ')}`);
      const lang = given['language'] ?? 'en';
      if (lang !== 'en' && lang !== 'zh') throw new ToolError('E_ARG_TYPE', `language ${foreign(lang, 20)} is not there`, 'give en or zh');
      return bodies[lang].replace(/\{\{([a-z_]+)\}\}/g, (_, key: string) => {
        const value = (given[key] ?? '').trim();
        return value === '' ? unset[lang] : foreign(value, valueLimit);
      });
    },
  };
}

/** @param folder the package's prompts/ */
export async function readPrompts(folder: string): Promise<Prompt[]> {
  const files = (await listFolder(folder)).filter((f) => f.endsWith('.md'));
  return Promise.all(files.map(async (file) => parsePrompt(file.slice(0, -3), (await readText(join(folder, file))) ?? '')));
}
