// opencode has no plugin format for skills: its config hook gets the skills folder and the MCP server instead.
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

export const XllmNpuWorkflow = async () => ({
  config: async (config) => {
    const paths = config.skills?.paths ?? [];
    config.skills = { ...config.skills, paths: [...paths, fileURLToPath(new URL('skills', root))] };
    config.mcp = { 'xllm-npu': { type: 'local', command: ['node', fileURLToPath(new URL('dist/main.js', root)), 'mcp'], enabled: true }, ...config.mcp };
  },
});
