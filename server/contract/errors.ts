import type { ToolFailure } from './generated/types.js';

/**
 * The closed list of error codes. A code keeps its meaning for ever.
 * The text says when it is used; what was seen and what to do next travel with each error.
 */
export const errorCodes = {
  E_ARG_UNKNOWN: 'an argument the tool does not have',
  E_ARG_MISSING: 'a required argument is absent',
  E_ARG_TYPE: 'an argument of the wrong type or outside its allowed values',
  E_ARG_CONFLICT: 'arguments that exclude each other',
  E_TOOL_UNKNOWN: 'a tool that does not exist',
  E_PATH_MISSING: 'a path that does not exist',
  E_PATH_OUTSIDE: 'a path outside the allowed folders, symlinks resolved',
  E_PATH_KIND: 'a path of the wrong kind: folder for file, device, FIFO',
  E_PATH_INVALID: 'a path with a NUL byte or otherwise unusable',
  E_FILE_EMPTY: 'a file without any byte',
  E_FILE_UNREADABLE: 'a file that exists and cannot be read',
  E_FORMAT_UNKNOWN: 'a file or folder whose content is not one of the known formats',
  E_CSV_BROKEN: 'a CSV with an unclosed quote or without its header',
  E_JSON_BROKEN: 'a JSON text that ends early or is malformed',
  E_DB_BROKEN: 'a file that is not a readable SQLite database',
  E_DB_INCOMPLETE: 'an msprof database without STRING_IDS: its export was cut off',
  E_PROFILE_NOT_EXPORTED: 'a PROF folder with raw data only',
  E_PROFILE_ATTACH: 'a service that no profiler can attach to: not started for it, its socket gone or taken, or no device set',
  E_PROFILE_OPERATOR: 'an operator profile (OPPROF): counters of single operators, not a profile of a service',
  E_PROFILE_NO_DEVICE_DATA: 'a profile without a single device task',
  E_SQL_REFUSED: 'an SQL statement that is not one read-only query',
  E_SQL_FAILED: 'an SQL statement the engine could not run',
  E_SQL_TIMEOUT: 'an SQL statement that ran out of time',
  E_RUN_MISSING: 'a run id without a run root',
  E_RUN_INVALID: 'a run id that is not one',
  E_RUN_TAMPERED: 'a run root whose files no longer match its ledger',
  E_BUNDLE_DIFFERS: 'a run whose redacted copy no longer gives the artifacts that were recorded',
  E_ARCHIVE_REFUSED: 'an archive that is not a bundle: links, names outside its folder, too many or too large files, another hash than asked',
  E_MANIFEST_EMPTY: 'a manifest without content',
  E_MANIFEST_BROKEN: 'a manifest that is not YAML or breaks its schema',
  E_ARTIFACT_INVALID: 'an artifact that breaks its schema; nothing was written',
  E_ARTIFACT_EXISTS: 'raw evidence that is already there; it is written once',
  E_PROGRAM_UNKNOWN: 'a program outside the allowed list',
  E_PROGRAM_MISSING: 'an allowed program that is not on this host',
  E_PROGRAM_FAILED: 'a program that ended with an error',
  E_JOB_MISSING: 'a job id that is not there',
  E_JOB_BROKEN: 'a job whose state on disk cannot be read',
  E_JOB_LOST: 'a job whose worker ended without a last word',
  E_PORT_BUSY: 'a port that is in use, or no free range of ports',
  E_DEVICE_BUSY: 'a device that another service holds, or too few idle ones',
  E_SERVICE_FAILED: 'a service that ended, or stayed silent, before it answered a request',
  E_LOCKED: 'another process holds the run root',
  E_MODEL_UNKNOWN: 'a model configuration with an architecture or a field that is not understood',
  E_RESULT_INVALID: 'a result that breaks its own schema: a defect of this server',
  E_INTERNAL: 'a defect of this server',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error meant for the user: only our own words, never text of logs or other programs. */
export class ToolError extends Error {
  readonly code: ErrorCode;
  readonly seen: string;
  readonly next: string;

  /**
   * @param code from {@link errorCodes}
   * @param seen what was met, in our own words
   * @param next what to do now
   */
  constructor(code: ErrorCode, seen: string, next: string, options?: { cause?: unknown }) {
    super(`${code}: ${seen}`, options);
    this.name = 'ToolError';
    this.code = code;
    this.seen = seen;
    this.next = next;
  }

  failure(): ToolFailure {
    return { code: this.code, seen: this.seen, cause: errorCodes[this.code], next: this.next };
  }
}
