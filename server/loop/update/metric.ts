/** The number at a path into a point of perf-metrics (`tpot_ms.mean`); null when it is not there. */
export function valueAt(point: unknown, path: string): number | null {
  let at: unknown = point;
  for (const key of path.split('.')) at = typeof at === 'object' && at !== null ? Object.entries(at).find(([k]) => k === key)?.[1] : undefined;
  return typeof at === 'number' ? at : null;
}
