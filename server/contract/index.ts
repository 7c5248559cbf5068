export * from './errors.js';
export * from './text.js';
export * from './redact.js';
export * from './shell.js';
export * from './validate.js';
export * from './ids.js';
export * from './version.js';
export type * from './threshold.js';
export type * from './generated/types.js';
