import { type Assembly } from './assembly.js';
import { asNumber, asText, type Database, type Value, sqlOf } from './sqlite.js';
import type { NumberColumn } from './scan/tablePages.js';
import { cleanWord } from './words.js';

/** Nothing: 2^32 − 1 of a 32-bit field, −1, and the mstx connection of a mark without a launch (facts §4.1). */
export const none32 = 4_294_967_295;
const noMstxConnection = 4_000_000_000;


/** Strings of the database as ids of the profile, fetched when first met: call stacks are never touched. */
export class DbStrings {
  readonly #ids = new Map<number, number>();
  readonly #lazy: boolean;

  constructor(readonly db: Database, readonly assembly: Assembly) {
    this.#lazy = db.isPrimaryKey('STRING_IDS', 'id');
    // Without the key a look-up would read the whole table each time.
    if (!this.#lazy) for (const [id, value] of db.each('SELECT id, value FROM STRING_IDS', assembly.signal)) this.#ids.set(asNumber(id), this.#intern(asText(value)));
  }

  #intern(text: string): number {
    return this.assembly.strings.id(cleanWord(text));
  }

  /** 0 for NULL and for an id that is not there. */
  id(value: Value | undefined): number {
    const key = asNumber(value);
    if (Number.isNaN(key)) return 0;
    let id = this.#ids.get(key);
    if (id === undefined) {
      const [row] = this.#lazy ? this.db.rows('SELECT value FROM STRING_IDS WHERE id = ?', key) : [];
      this.#ids.set(key, (id = row === undefined ? 0 : this.#intern(asText(row[0]))));
    }
    return id;
  }
}

/** Names of an enum table, with the published values where the table is missing (facts §4.1). */
export function enumNames({ db, assembly, strings }: DbContext, table: string, published: Readonly<Record<number, string>>): (value: Value | undefined) => number {
  const names = new Map<number, string>(Object.entries(published).map(([k, v]) => [Number(k), v]));
  const own = db.has(table, 'id', 'name');
  if (own) for (const [id, name] of db.each(`SELECT id, name FROM "${table}"`, assembly.signal)) names.set(asNumber(id), asText(name));
  return (value) => {
    const key = asNumber(value);
    if (Number.isNaN(key)) return 0;
    const name = names.get(key);
    // Databases from before the enum tables keep string ids in these columns.
    if (name === undefined) return own ? 0 : strings.id(key);
    return name === 'N/A' || name === 'INVALID_TYPE' || name === 'RESERVED' ? 0 : assembly.strings.id(name);
  };
}

export const apiTypes = { 5000: 'runtime', 5500: 'communication', 10000: 'node', 15000: 'model', 20000: 'acl', 50001: 'op', 50002: 'queue', 50003: 'trace', 50004: 'mstx' };
export const dataTypes = { 0: 'INT8', 1: 'INT16', 2: 'INT32', 3: 'FP16', 4: 'FP32', 5: 'INT64', 6: 'UINT64', 7: 'UINT8', 8: 'UINT16', 9: 'UINT32', 10: 'FP64', 11: 'BFP16', 12: 'INT128', 14: 'HIF8', 15: 'FP8E4M3', 16: 'FP8E5M2', 17: 'FP8E8M0', 255: 'RESERVED', 65534: 'N/A', 65535: 'INVALID_TYPE' };
export const links = { 0: 'ON_CHIP', 1: 'HCCS', 2: 'PCIE', 3: 'ROCE', 4: 'SIO', 5: 'HCCS_SW', 6: 'STANDARD_ROCE', 7: 'UB', 8: 'UBoE', 65534: 'N/A', 65535: 'INVALID_TYPE' };
export const transports = { 0: 'SDMA', 1: 'RDMA', 2: 'LOCAL', 3: 'UB', 4: 'ROCE', 65534: 'N/A', 65535: 'INVALID_TYPE' };

/** One database being read into the profile. */
export class DbContext {
  readonly strings: DbStrings;
  readonly #base: bigint;
  readonly #devices = new Map<number, number>();

  constructor(readonly db: Database, readonly assembly: Assembly, readonly capture: number) {
    this.strings = new DbStrings(db, assembly);
    for (const [table, column] of [['TASK', 'startNs'], ['COMMUNICATION_OP', 'startNs'], ['CANN_API', 'startNs'], ['NPU_MEM', 'timestampNs'], ['SESSION_TIME_INFO', 'startTimeNs']] as const) {
      if (assembly.clock.anchored || !db.has(table, column)) continue;
      const least = db.bigint(`SELECT min(CAST("${column}" AS INTEGER)) FROM "${table}"`);
      if (least !== null && least >= 0n) assembly.clock.offsetOfNs(least);
    }
    this.#base = assembly.clock.baseNs;
  }

  /** A ns column as an offset, computed in 64-bit integers. */
  offset(column: string): NumberColumn {
    return { column, less: this.#base };
  }

  /** The same in SQL. */
  time(column: string): string {
    return sqlOf(this.offset(column));
  }

  /** Time between two ns columns, in SQL. */
  span(from: string, to: string): string {
    return sqlOf({ column: to, less: from });
  }

  /** Rows of numbers of a long table; see {@link Database.numbers}. */
  numbers(table: string, wanted: readonly NumberColumn[], each: (row: Float64Array) => void): void {
    this.db.numbers(table, wanted, this.assembly.signal, each);
  }

  each(sql: string): Generator<Value[]> {
    return this.db.each(sql, this.assembly.signal);
  }

  device(value: Value | undefined): number {
    const raw = asNumber(value);
    const id = Number.isNaN(raw) || raw < 0 || raw === none32 ? -1 : raw;
    let index = this.#devices.get(id);
    if (index === undefined) this.#devices.set(id, (index = this.assembly.device(this.capture, id)));
    return index;
  }

  connection(value: Value | undefined): number {
    const id = asNumber(value);
    return Number.isNaN(id) || id < 0 || id === none32 || id === noMstxConnection ? -1 : this.assembly.unique(this.capture, id);
  }
}
