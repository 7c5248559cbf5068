/** The package's own name and version; a test holds it equal to package.json. */
export const producer = { name: 'xllm-npu-workflow', version: '0.1.0' } as const;
