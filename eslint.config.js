import tseslint from 'typescript-eslint';

// The machine is reached through host/ (and, for reading admitted paths, profiles/). house.md states which rooms may.
const machine = ['node:fs', 'node:fs/promises', 'node:child_process', 'node:net', 'node:os', 'node:dgram', 'fs', 'child_process', 'execa'];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'server/contract/generated/**', '/runs/**', 'scripts/**', '.opencode/**', 'test/**/*.mjs', '*.cjs', '*.js', 'vitest.config.ts'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      'no-console': 'error',
      'no-control-regex': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'named exports only' },
      ],
    },
  },
  {
    files: ['server/**/*.ts'],
    ignores: ['server/host/**', 'server/config.ts', 'server/profiles/**', 'server/sim/**'],
    rules: {
      'no-restricted-imports': ['error', { paths: machine.map((name) => ({ name, message: 'only host/, config.ts, profiles/ and sim/ touch the machine' })) }],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'time comes from host/' },
        { object: 'process', property: 'env', message: 'the environment comes from config.ts' },
        { object: 'process', property: 'stdout', message: 'stdout carries protocol; only the edge writes there' },
      ],
    },
  },
  { files: ['server/main.ts', 'server/mcp/stdio.ts'], rules: { 'no-restricted-properties': ['error', { object: 'Date', property: 'now' }, { object: 'process', property: 'env' }] } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/consistent-type-assertions': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'named exports only' }],
      'no-console': 'off',
    },
  },
);
