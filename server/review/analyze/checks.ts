import type { Compiled } from '../rules.js';
import type { Hit, Prepared } from './scan.js';
import { enclosing, statement } from './scan.js';

type Where = { readonly prepared: Prepared; readonly line: number | null; readonly text: string };
type Check = (files: readonly Prepared[], applies: (path: string) => boolean) => Where[];

/** Every added line with its cleaned text and its neighbours. */
function added(prepared: Prepared): { clean: readonly string[]; at: number; line: number; text: string; section: string }[] {
  return prepared.hunks.flatMap(({ hunk, clean }) => hunk.lines.flatMap((l, at) => (l.added ? [{ clean, at, line: l.line, text: l.text, section: hunk.section }] : [])));
}
const isTest = (path: string): boolean => /(?:^|\/)tests?\/|_test\.|test_[^/]*\.py$/.test(path);
const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What takes a resource, and what gives it back. */
const pairs: readonly (readonly [RegExp, RegExp])[] = [
  [/\b(?:aclrtMalloc|rtMalloc)\w*\s*\(/, /\b(?:aclrtFree|rtFree)\w*\s*\(/],
  [/\baclCreateTensor\s*\(/, /\baclDestroyTensor\s*\(/],
  [/\baclCreateIntArray\s*\(/, /\baclDestroyIntArray\s*\(/],
  [/\baclrtCreateEvent\w*\s*\(/, /\baclrtDestroyEvent\s*\(/],
];

const unpaired: Check = (files, applies) =>
  files.filter((f) => applies(f.file.path) && f.language === 'cpp').flatMap((prepared) => {
    const all = prepared.cleanText;
    return pairs.flatMap(([take, give]) => (!take.test(all) || give.test(all) ? [] : added(prepared).filter((l) => take.test(l.clean[l.at] ?? '') && !/unique_ptr|Guard|shared_ptr/.test(l.clean[l.at] ?? '')).slice(0, 1).map((l) => ({ prepared, line: l.line, text: l.text }))));
  });

const quoted = (text: string): string[] => [...text.matchAll(/["'](\w+)["']/g)].map((m) => m[1] ?? '');

/** Fields of DISPATCH_SCHEMA against the keys of each SPECIALIZATIONS item, where both lists stand whole in the diff. */
const schema: Check = (files, applies) =>
  files.filter((f) => applies(f.file.path) && f.language === 'python').flatMap((prepared) => {
    const text = prepared.rawText;
    const declared = /DISPATCH_SCHEMA\s*=\s*\[([\s\S]*?)\n?\s*\]/.exec(text)?.[1];
    const listed = /SPECIALIZATIONS\s*=\s*\[([\s\S]*?)\n?\s*\]/.exec(text)?.[1];
    if (declared === undefined || listed === undefined) return [];
    const fields = [...declared.matchAll(/DispatchField\(\s*["'](\w+)["']/g)].map((m) => m[1] ?? '');
    const items = [...listed.matchAll(/\{([^{}]*)\}/g)].map((m) => [...(m[1] ?? '').matchAll(/["'](\w+)["']\s*:/g)].map((k) => k[1] ?? ''));
    if (fields.length === 0 || !items.some((keys) => fields.some((field) => !keys.includes(field)))) return [];
    const line = added(prepared).find((l) => /DISPATCH_SCHEMA|SPECIALIZATIONS/.test(l.text));
    return line === undefined ? [] : [{ prepared, line: line.line, text: line.text }];
  });

/** Header of the function around a line, with its parameters. */
function signature(clean: readonly string[], section: string, at: number): string {
  for (let i = at; i >= 0; i -= 1) if (/^\s*def\s/.test(clean[i] ?? '')) return statement(clean, i);
  return section;
}

const constexpr: Check = (files, applies) =>
  files.filter((f) => applies(f.file.path) && f.language === 'python').flatMap((prepared) =>
    (/\btl\.(?:static_range|arange)\(/.test(prepared.cleanText) ? added(prepared) : []).flatMap((l) => {
      const text = l.clean[l.at] ?? '';
      const name = /\btl\.static_range\(\s*([a-z_]\w*)\s*[,)]/.exec(text)?.[1] ?? /\btl\.arange\(\s*0\s*,\s*([a-z_]\w*)\s*\)/.exec(text)?.[1];
      if (name === undefined) return [];
      const around = signature(l.clean, l.section, l.at);
      // Only a parameter that is declared plainly is known to be a run-time value.
      const plain = new RegExp(`[(,]\\s*${name}\\s*(?:[,)=]|$)`).test(around);
      return plain ? [{ prepared, line: l.line, text: l.text }] : [];
    }),
  );

const specialize: Check = (files, applies) =>
  files.filter((f) => applies(f.file.path) && f.language === 'python').flatMap((prepared) => {
    return prepared.hunks.flatMap(({ hunk, clean }) =>
      hunk.lines.flatMap((l, at) => {
        if (!l.text.includes('do_not_specialize')) return [];
        const names = quoted(statement(hunk.lines.map((x) => x.text), at));
        const after = clean.findIndex((text, i) => i > at && /^\s*def\s/.test(text));
        if (after === -1) return [];
        const head = statement(clean, after);
        const both = names.some((name) => new RegExp(`\\b${name}\\s*:\\s*tl\\.constexpr`).test(head));
        return both && (l.added || hunk.lines.slice(at, after + 8).some((x) => x.added)) ? [{ prepared, line: l.line, text: l.text }] : [];
      }),
    );
  });

/** Ranks a launch line names; each takes one port from its base. */
const ranksOf = (text: string): number => Math.max(1, ...[...text.matchAll(/--?(?:nnodes|tp|tensor-parallel-size|world[-_]size)[= ](\d{1,4})\b/g)].map((m) => Number(m[1])));

const portWindow: Check = (files, applies) =>
  files.filter((f) => applies(f.file.path)).flatMap((prepared) => {
    const seen: { port: number; ranks: number; line: number; text: string }[] = [];
    const found: Where[] = [];
    for (const l of /port[= ]\d/.test(prepared.rawText) ? added(prepared) : []) {
      const port = Number(/--?(?:master[-_])?port[= ](\d{2,5})\b/.exec(l.text)?.[1] ?? NaN);
      if (!Number.isFinite(port)) continue;
      const ranks = ranksOf(l.text);
      if (seen.some((s) => port !== s.port && port < s.port + s.ranks && s.port < port + ranks)) found.push({ prepared, line: l.line, text: l.text });
      seen.push({ port, ranks, line: l.line, text: l.text });
    }
    return found;
  });

const submodule: Check = (files) => {
  const moved = files.filter((f) => f.file.kind === 'submodule' || f.hunks.some(({ hunk }) => hunk.lines.some((l) => l.added && l.text.startsWith('Subproject commit '))));
  const others = files.filter((f) => !moved.includes(f) && f.file.path !== '.gitmodules');
  return others.length === 0 ? [] : moved.filter((m) => !others.some((o) => o.rawText.includes(base(m.file.path)))).map((prepared) => ({ prepared, line: added(prepared)[0]?.line ?? null, text: added(prepared)[0]?.text ?? '' }));
};

const cmake: Check = (files, applies) => {
  const lists = files.filter((f) => /(?:^|\/)CMakeLists\.txt$|\.cmake$/.test(f.file.path)).map((f) => added(f).map((l) => l.text).join('\n')).join('\n');
  const news = files.filter((f) => f.file.kind === 'new' && applies(f.file.path) && /\.(?:cpp|cc|cxx)$/.test(f.file.path) && /(?:^|\/)(?:core|kernels|layers|models)\//.test(f.file.path));
  return news.filter((f) => !lists.includes(base(f.file.path)) && !/GLOB/.test(lists)).map((prepared) => ({ prepared, line: null, text: '' }));
};

const copyright: Check = (files, applies) =>
  files.filter((f) => f.file.kind === 'new' && applies(f.file.path) && f.language === 'cpp' && f.file.added > 0 && !/Copyright 20\d\d/.test((f.hunks[0]?.hunk.lines ?? []).slice(0, 5).map((l) => l.text).join('\n'))).map((prepared) => ({ prepared, line: 1, text: prepared.hunks[0]?.hunk.lines[0]?.text ?? '' }));

const untested: Check = (files, applies) => {
  const changed = files.filter((f) => applies(f.file.path) && f.language !== 'other' && !isTest(f.file.path) && f.file.added >= untestedLines && f.file.kind !== 'deleted');
  return changed.length === 0 || files.some((f) => isTest(f.file.path) && f.file.added > 0) ? [] : changed.slice(0, 1).map((prepared) => ({ prepared, line: null, text: '' }));
};
/** Added lines below which a change of a kernel is a touch-up: own rule. */
const untestedLines = 5;

/** A property that is added must be in the two lists of the same file. */
const configTrio: Check = (files, applies) =>
  files.filter((f) => applies(f.file.path) && f.language === 'cpp').flatMap((prepared) =>
    (prepared.cleanText.includes('PROPERTY') ? added(prepared) : []).flatMap((l) => {
      const name = /\bPROPERTY\s*\(\s*[^,]+,\s*(\w+)\s*\)/.exec(l.clean[l.at] ?? '')?.[1];
      if (name === undefined) return [];
      const stem = prepared.file.path.replace(/\.\w+$/, '');
      const rest = files.filter((f) => f.file.path.replace(/\.\w+$/, '') === stem).flatMap((f) => added(f)).filter((x) => !/\bPROPERTY\s*\(/.test(x.text));
      const inList = (list: RegExp): boolean => rest.some((x) => x.text.includes(name) && (list.test(x.text) || enclosing(x.clean, x.section, x.at).some((h) => list.test(h))));
      return inList(/from_json/) && inList(/append_config_json|to_json/) ? [] : [{ prepared, line: l.line, text: l.text }];
    }),
  );

const checks: Readonly<Record<NonNullable<Compiled['rule']['check']>, Check>> = {
  unpaired, schema, 'triton-constexpr': constexpr, 'triton-specialize': specialize, 'port-window': portWindow, submodule, 'cmake-sources': cmake, copyright, untested, 'config-trio': configTrio,
};

/** Hits of the checks that need a file or the whole diff. */
export function scanWhole(files: readonly Prepared[], rules: readonly Compiled[]): { readonly hit: Hit; readonly prepared: Prepared }[] {
  return rules.flatMap((rule) => {
    const name = rule.rule.check;
    return name === undefined ? [] : checks[name](files, rule.applies).map(({ prepared, line, text }) => ({ prepared, hit: { rule, file: prepared.file.path, line, text } }));
  });
}
