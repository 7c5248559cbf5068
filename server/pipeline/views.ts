export const views = ['summary', 'steps', 'stages', 'bubbles', 'layers', 'rank_skew'] as const;
export type View = (typeof views)[number];
