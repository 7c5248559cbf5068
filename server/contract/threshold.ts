/** A number that is judged by, shown or waited for: its value, where it comes from, and why it is there. */
export interface Threshold {
  readonly value: number;
  readonly source: string;
  readonly why: string;
}
