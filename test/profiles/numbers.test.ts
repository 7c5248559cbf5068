import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteDictionary } from '../../server/profiles/byteDictionary.js';
import { deviceStartOrder, Float64Column, Int32Column } from '../../server/profiles/columns.js';
import { Clock, parseNumber, parseTimeNs, parseTimeUs } from '../../server/profiles/numbers.js';

const bytes = (text: string): Buffer => Buffer.from(`xx${text}yy`);
const number = (text: string): number => parseNumber(bytes(text), 2, 2 + Buffer.byteLength(text));

describe('numbers out of bytes', () => {
  it('reads decimals as the language does', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.integer({ min: 0, max: 6 }), (mantissa, decimals) => {
        const text = (mantissa / 10 ** decimals).toFixed(decimals);
        expect(number(text)).toBe(Number(text));
      }),
    );
    for (const text of ['1e-05', '4.5E3', '12345678901234567', '0.1234567890123456']) expect(number(text)).toBe(Number(text));
  });
  it('reads padded and quoted cells', () => {
    for (const text of [' 12.5', '12.5\t', '"12.5\t"', '12.5\r']) expect(number(text)).toBe(12.5);
  });
  it('has no number for what is none', () => {
    for (const text of ['', 'N/A', 'NA', 'null', 'nan', '-', '.', '1.2.3', '0x10', 'Infinity', '12us']) expect(number(text)).toBeNaN();
  });
});

describe('times', () => {
  const offset = (clock: Clock, text: string): number => parseTimeUs(bytes(text), 2, 2 + Buffer.byteLength(text), clock);

  it('keeps every nanosecond of 19 digits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_000_000_000n + 9_000_000_000_000_000n }), (ns) => {
        const clock = new Clock();
        const first = offset(clock, '1700000000000000.000');
        const text = `${ns / 1000n}.${String(ns % 1000n).padStart(3, '0')}\t`;
        expect(clock.baseNs + BigInt(offset(clock, text))).toBe(ns);
        expect(first).toBe(0);
      }),
    );
  });
  it('reads ns, whole µs, short and long fractions alike', () => {
    const clock = new Clock();
    offset(clock, '1736408883704643');
    expect(offset(clock, '1736408883704643.2')).toBe(200);
    expect(offset(clock, '1736408883704643.2129')).toBe(213);
    expect(offset(clock, '1736408883704644')).toBe(1000);
    expect(offset(clock, '1736408883704642.999')).toBe(-1);
    const ns = '1736408883704643212';
    expect(parseTimeNs(bytes(ns), 2, 2 + ns.length, clock)).toBe(212);
  });
  it('has no time for what is none', () => {
    const clock = new Clock();
    for (const text of ['', 'N/A', '-5.0', 'abc']) expect(offset(clock, text)).toBeNaN();
    expect(clock.anchored).toBe(false);
  });
});

describe('columns', () => {
  it('grow, and leave gaps unknown', () => {
    const column = new Float64Column(2);
    column.push(1);
    column.set(5, 6);
    expect([...column.array()]).toEqual([1, NaN, NaN, NaN, NaN, 6]);
    const ids = new Int32Column(1);
    for (let i = 0; i < 10; i++) ids.push(i);
    ids.truncate(3);
    ids.push(NaN);
    expect([...ids.array()]).toEqual([0, 1, 2, -1]);
  });
  it('sort by device, then start, and keep the order of equals', () => {
    expect(deviceStartOrder(Int32Array.of(0, 0, 1), Float64Array.of(1, 1, 0))).toBeNull();
    expect([...(deviceStartOrder(Int32Array.of(1, 0, 0, 0), Float64Array.of(0, 5, 3, 5)) ?? [])]).toEqual([2, 1, 3, 0]);
  });
});

describe('the dictionary over bytes', () => {
  it('gives each text one value, however many there are', () => {
    const made: string[] = [];
    const words = new ByteDictionary((text) => made.push(text) - 1);
    const look = (text: string): number => {
      const buffer = bytes(text);
      return words.value(buffer, 2, buffer.length - 2);
    };
    const texts = Array.from({ length: 5000 }, (_, i) => `op_${i}_${'x'.repeat(i % 40)}`);
    texts.push('', '算子', 'a'.repeat(100_000));
    const first = texts.map(look);
    expect(texts.map(look)).toEqual(first);
    expect(new Set(first).size).toBe(texts.length);
    expect(made).toEqual(texts);
  });
});
