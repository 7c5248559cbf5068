// The import table of house.md, as rules. A row: this room may import only these rooms.
const rooms = ['environment', 'serving', 'benchmark', 'profiling', 'pipeline', 'capacity', 'compute', 'accuracy', 'incident', 'review', 'migration', 'loop'];
const foundations = ['host', 'runs', 'jobs', 'programs', 'profiles', 'models', 'hardware', 'stats'];
const table = {
  contract: [],
  programs: ['contract'],
  models: ['contract'],
  hardware: ['contract'],
  stats: ['contract'],
  host: ['contract', 'config'],
  runs: ['contract', 'host'],
  profiles: ['contract', 'host'],
  jobs: ['contract', 'host', 'runs'],
  report: ['contract', 'runs'],
  sim: ['contract', 'models', 'hardware', 'stats'],
  mcp: ['contract', 'config'],
};
for (const room of rooms) table[room] = ['contract', ...foundations, 'mcp/define'];

const place = (name) => (name === 'config' ? 'config\\.ts$' : name === 'mcp/define' ? 'mcp/define\\.ts$' : `${name}/`);

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'config-stands-alone', severity: 'error', from: { path: '^server/config\\.ts$' }, to: { path: '^server/', pathNot: '^server/contract/' } },
    { name: 'sdk-only-in-mcp', severity: 'error', from: { pathNot: '^server/mcp/' }, to: { path: '@modelcontextprotocol' } },
    { name: 'tests-stay-out', severity: 'error', from: { path: '^server/' }, to: { path: '^test/' } },
    ...Object.entries(table).map(([room, allowed]) => ({
      name: `${room}-imports`,
      severity: 'error',
      from: { path: `^server/${room}/` },
      to: { path: '^server/', pathNot: [`^server/${room}/`, ...allowed.map((name) => `^server/${place(name)}`)] },
    })),
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, combinedDependencies: false },
};
