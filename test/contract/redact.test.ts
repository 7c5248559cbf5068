import { describe, expect, it } from 'vitest';
import { isSecretName, redactArgv, redactText, redactValue } from '../../server/contract/index.js';

const canary = 'cAnArY7731secret';

describe('secrets are redacted', () => {
  it.each([
    `OPENAI_API_KEY=${canary}`,
    `export HF_TOKEN="${canary}"`,
    `password: ${canary}`,
    `{"api_key": "${canary}", "model": "m"}`,
    `Authorization: Bearer ${canary}abcdef`,
    `curl -H 'authorization: Basic ${canary}=='`,
    `https://user:${canary}@example.org/v1`,
    `http://127.0.0.1:8000/v1?token=${canary}&x=1`,
    `evalscope perf --api-key ${canary} --parallel 4`,
    `--api-key=${canary}`,
    `AWS_SECRET_ACCESS_KEY='${canary}'`,
    `aws_session_token=${canary}`,
    `cmd: HF_TOKEN=${canary} vllm serve`,
    `env={"A":"B","X_API_KEY":"${canary}"}`,
    `note: password=${canary}`,
  ])('%s', (text) => {
    expect(redactText(text)).not.toContain(canary);
  });

  it.each(['sk-abcdefghij0123456789', 'ghp_abcdefghijklmnopqrstuvwxyz012345', 'hf_abcdefghijklmnopqrstuvwx', 'AKIAABCDEFGHIJKLMNOP', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123'])('bare token %s', (token) => {
    expect(redactText(`see ${token} here`)).not.toContain(token);
  });

  it('in argv after a flag, and in nested values by key', () => {
    expect(redactArgv(['vllm', 'serve', '--api-key', canary, '--port', '8000'])).toEqual(['vllm', 'serve', '--api-key', '[redacted]', '--port', '8000']);
    expect(JSON.stringify(redactValue({ env: { MY_SECRET: canary, list: [{ password: canary }] }, argv: ['--token', canary] }))).not.toContain(canary);
  });
});

describe('the words of the field stay', () => {
  it.each(['max_tokens=128', '--max-tokens-per-batch 4096', 'input_tokens: 1024', '"total_tokens": 77', '--tokenizer-path /models/qwen', 'output_tokens_per_s=12', 'num_speculative_tokens 3', 'bos_token_id: 1', 'accepted_tokens=4', 'max_num_batched_tokens=8192'])('%s', (text) => {
    expect(redactText(text)).toBe(text);
  });
  it('names', () => {
    expect(['HF_TOKEN', 'api_key', 'x-api-key', 'client_secret', 'DB_PASSWORD', 'authorization'].map(isSecretName)).not.toContain(false);
    expect(['tokenizer', 'max_tokens', 'prompt_tokens', 'device', 'monkey', 'keyboard', 'author'].map(isSecretName)).not.toContain(true);
  });
});
