import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly [key: string]: unknown;
  readonly version?: string;
  readonly mcpServers?: Record<string, { command: string; args: string[] }>;
}
const root = join(import.meta.dirname, '../..');
const read = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest;
const pack = read('package.json') as Manifest & { name: string; mcpName: string; main: string; files: string[]; bin: Record<string, string> };

describe('one version everywhere', () => {
  it.each(['.claude-plugin/plugin.json', '.codex-plugin/plugin.json', 'server.json'])('%s', (path) => {
    expect(read(path).version).toBe(pack.version);
  });
  it('every place that names the package with a version names this one', () => {
    for (const path of ['.claude-plugin/plugin.json', '.claude-plugin/marketplace.json', '.codex-plugin/plugin.json', '.agents/plugins/marketplace.json', 'server.json', 'README.md']) {
      for (const [, version] of readFileSync(join(root, path), 'utf8').matchAll(/xllm-npu-workflow@(\d[\w.-]*)/g)) expect(version, path).toBe(pack.version);
    }
    expect((read('server.json') as unknown as { packages: { version: string }[] }).packages.map((p) => p.version)).toEqual([pack.version]);
    expect((read('.claude-plugin/marketplace.json') as unknown as { plugins: { version: string }[] }).plugins.map((p) => p.version)).toEqual([pack.version]);
    expect(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')).toContain(`## ${pack.version ?? ''}`);
  });
});

describe('manifests', () => {
  // Codex does not expand ${CLAUDE_PLUGIN_ROOT}; a root .mcp.json would be read as project configuration by anyone who opens the repository.
  it('servers are inline, path-free and start the same program', () => {
    for (const path of ['.claude-plugin/plugin.json', '.codex-plugin/plugin.json']) {
      expect(read(path).mcpServers).toEqual({ 'xllm-npu': { command: 'npx', args: ['-y', `${pack.name}@${pack.version ?? ''}`, 'mcp'] } });
      expect(readFileSync(join(root, path), 'utf8')).not.toContain('PLUGIN_ROOT');
    }
    expect(existsSync(join(root, '.mcp.json'))).toBe(false);
  });
  it('names agree, prompts of Codex are at most three of 128 characters, the registry name is that of the package', () => {
    const codex = read('.codex-plugin/plugin.json') as unknown as { interface: { defaultPrompt: string[] }; skills: string };
    expect(codex.interface.defaultPrompt.length).toBeLessThanOrEqual(3);
    for (const prompt of codex.interface.defaultPrompt) expect(prompt.length).toBeLessThanOrEqual(128);
    expect(existsSync(join(root, codex.skills))).toBe(true);
    expect(read('server.json')['name']).toBe(pack.mcpName);
    for (const path of ['.claude-plugin/plugin.json', '.codex-plugin/plugin.json']) expect(read(path)['name']).toBe(pack.name);
  });
  it('everything a client or the server reads at run time is in the package', () => {
    expect(pack.files).toEqual(expect.arrayContaining(['dist', 'skills', 'schemas', 'prompts', '.claude-plugin', '.codex-plugin', '.agents', '.opencode', 'server.json']));
    expect(existsSync(join(root, pack.main))).toBe(true);
  });
  it('the opencode hook adds skills and server, and keeps what the user has', async () => {
    const { XllmNpuWorkflow } = (await import(join(root, pack.main))) as { XllmNpuWorkflow: () => Promise<{ config: (c: Record<string, unknown>) => Promise<void> }> };
    const config: Record<string, any> = { skills: { paths: ['/own'] }, mcp: { other: { type: 'local' } } };
    await (await XllmNpuWorkflow()).config(config);
    expect(config['skills'].paths).toEqual(['/own', join(root, 'skills')]);
    expect(config['mcp'].other).toEqual({ type: 'local' });
    expect(config['mcp']['xllm-npu'].command).toEqual(['node', join(root, pack.bin['xllm-npu'] ?? ''), 'mcp']);
  });
});
