import { Clock } from '../numbers.js';
import { cellKind, CsvScan, scanStatus } from './csvScan.js';

/** Lines of numbers with commas between them, as a database wrote them for us. */
export class NumberLines {
  readonly #scan: CsvScan;
  readonly #columns: readonly number[];
  readonly #clock = new Clock();

  /** @param cells in a line @param values filled for each line */
  constructor(cells: number, readonly values: Float64Array) {
    this.#scan = new CsvScan(cells);
    this.#columns = Array.from(values, (_, column) => this.#scan.want(column, cellKind.number));
  }

  /** Reads the lines of a text. Gives −1, or how many were read before one with other than the expected cells. */
  read(text: string, each: (values: Float64Array) => void): number {
    let read = 0;
    let from = 0;
    for (;;) {
      const { buffer, at, length } = this.#scan.room();
      const part = text.slice(from, from + length - 1);
      from += part.length;
      const ended = from >= text.length;
      this.#scan.took(buffer.write(ended ? `${part}\n` : part, at, 'latin1'), false);
      for (let status: number = scanStatus.full; status === scanStatus.full; ) {
        status = this.#scan.parse(this.#clock);
        if (this.#scan.ragged > 0 || status === scanStatus.broken) return read;
        const batch = this.#columns.map((column) => this.#scan.floats(column));
        for (let row = 0, rows = this.#scan.rows; row < rows; row++) {
          for (let i = 0; i < batch.length; i++) this.values[i] = batch[i]?.[row] ?? NaN;
          each(this.values);
        }
        read += this.#scan.rows;
      }
      if (ended) return -1;
    }
  }
}
