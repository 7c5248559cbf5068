export const views = ['summary', 'kernel', 'communication', 'fusion', 'dispatch', 'memory', 'comparison', 'finding'] as const;
export type View = (typeof views)[number];
