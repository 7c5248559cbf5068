/** A row, and the device it belongs to: an index into the devices of its capture. */
export interface Placed<T> {
  readonly at: number;
  readonly row: T;
}
