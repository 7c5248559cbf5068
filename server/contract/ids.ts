/** Run id: `YYYYMMDD-HHMMSS-<slug>-<4 hex>`; the folder's name under the runs folder. */
export const runIdPattern = /^\d{8}-\d{6}-[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?-[0-9a-f]{4}$/;

export function isRunId(text: string): boolean {
  return runIdPattern.test(text);
}

/** @param instant ISO 8601 UTC, @param hex at least four hex digits of randomness */
export function makeRunId(instant: string, purpose: string, hex: string): string {
  const digits = instant.replace(/[^0-9]/g, '');
  const slug = purpose.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${slug === '' ? 'run' : slug}-${hex.slice(0, 4)}`;
}
