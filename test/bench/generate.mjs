// Big files in the formats of the exporters, written as a stream. The numbers are made up; the shapes, widths and headers are not.
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Collects text and writes it in pieces of some MB. */
function writer(path) {
  const fd = openSync(path, 'w');
  let parts = [];
  let size = 0;
  const flush = () => {
    writeSync(fd, parts.join(''));
    parts = [];
    size = 0;
  };
  return {
    add(text) {
      parts.push(text);
      size += text.length;
      if (size > 1 << 22) flush();
    },
    close() {
      flush();
      // Or the side measured first would pay for writing the file out.
      fsyncSync(fd);
      closeSync(fd);
    },
  };
}

/** A small generator of numbers, the same on every machine. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const kernels = [
  ['MatMulV3', 'MIX_AIC', '"32,4096;4096,12288"', '"32,12288"', 180],
  ['RmsNorm', 'AI_VECTOR_CORE', '"32,4096;4096"', '"32,4096;32,1"', 12],
  ['Add', 'AI_VECTOR_CORE', '"32,4096;32,4096"', '"32,4096"', 5],
  ['FusedInferAttentionScore', 'MIX_AIC', '"32,32,1,128;32,8,4096,128;32,8,4096,128"', '"32,32,1,128"', 95],
  ['SwiGlu', 'AI_VECTOR_CORE', '"32,22016"', '"32,11008"', 9],
  ['GroupedMatmul', 'MIX_AIC', '"256,4096;64,4096,1408"', '"256,1408"', 210],
  ['Cast', 'AI_VECTOR_CORE', '"32,4096"', '"32,4096"', 4],
  ['TransData', 'AI_VECTOR_CORE', '"32,4096"', '"2,256,16,16"', 7],
];

/** A step is 61 layers of the kernels above and the sampler behind them. */
const layers = 61;
const sampler = ['ArgMaxV2', 'AI_VECTOR_CORE', '"32,152064"', '"32"', 30];

const base = 1719000000000000n;
const start = (ns) => `${base + BigInt(Math.floor(ns / 1000))}.${String(ns % 1000).padStart(3, '0')}`;
const ratio = (r) => r().toFixed(3);
const time = (us) => us.toFixed(3);

export const summaryHeader =
  'Device_id,Model ID,Task ID,Stream ID,Op Name,OP Type,OP State,Task Type,Task Start Time(us),Task Duration(us),Task Wait Time(us),Block Num,Mix Block Num,HF32 Eligible,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,Context ID,aicore_time(us),aic_total_cycles,aic_mac_time(us),aic_mac_ratio,aic_scalar_time(us),aic_scalar_ratio,aic_mte1_time(us),aic_mte1_ratio,aic_mte2_time(us),aic_mte2_ratio,aic_fixpipe_time(us),aic_fixpipe_ratio,aic_icache_miss_rate,aiv_time(us),aiv_total_cycles,aiv_vec_time(us),aiv_vec_ratio,aiv_scalar_time(us),aiv_scalar_ratio,aiv_mte2_time(us),aiv_mte2_ratio,aiv_mte3_time(us),aiv_mte3_ratio,aiv_icache_miss_rate,cube_utilization(%)';

/** op_summary of `rows` rows with the PipeUtilization columns: steps of 489 kernels, and a collective every 50 rows. */
export function opSummary(path, rows, device = 0) {
  const out = writer(path);
  out.add(`${summaryHeader}\n`);
  const r = random(7 + device);
  let at = 0;
  let kernel = 0;
  for (let i = 0; i < rows; i++) {
    if (i % 50 === 49) {
      const us = 40 + r() * 60;
      out.add(`${device},4294967295,N/A,N/A,hcom_allReduce__428_${i}_1,hcom_allReduce_,N/A,COMMUNICATION,${start(at)}\t,${time(us)},0,0${',N/A'.repeat(34)}\n`);
      at += Math.round(us * 1000) + 500;
      continue;
    }
    const place = kernel++ % (layers * kernels.length + 1);
    const layer = Math.floor(place / kernels.length);
    const [type, core, inputs, outputs, us] = layer === layers ? sampler : kernels[place % kernels.length];
    const duration = us * (0.9 + 0.2 * r());
    const t = () => time(duration * r());
    const name = layer === layers ? `sampler.${type}_${type}_0` : `model.layers.${layer}.${type}_${type}_${place % 7}`;
    out.add(
      `${device},4294967295,${i % 65536},${[2, 11][place & 1]},${name},${type},dynamic,${core},${start(at)}\t,${time(duration)},0.62,${8 + (place % 40)},0,NO,${inputs},DT_BF16;DT_BF16,ND;ND,${outputs},DT_BF16,ND,0,` +
        `${t()},${Math.floor(duration * 1800)},${t()},${ratio(r)},${t()},${ratio(r)},${t()},${ratio(r)},${t()},${ratio(r)},${t()},${ratio(r)},${ratio(r)},${t()},${Math.floor(duration * 900)},${t()},${ratio(r)},${t()},${ratio(r)},${t()},${ratio(r)},${t()},${ratio(r)},${ratio(r)},${(100 * r()).toFixed(3)}\n`,
    );
    at += Math.round(duration * 1000) + (i % 17 === 0 ? 9000 : 600);
  }
  out.close();
}

/** A timeline of about `events` events: host calls, kernels, collectives with planes. @param wrapped `{"traceEvents": […]}` instead of a bare list */
export function timeline(path, events, wrapped) {
  const out = writer(path);
  const r = random(11);
  const [cann, hardware, communication] = [1024, 1025, 1026].map((n) => n * 32);
  const meta = (pid, name, label) =>
    out.add(`{"name":"process_name","pid":${pid},"tid":0,"args":{"name":"${name}"},"ph":"M"},{"name":"process_labels","pid":${pid},"tid":0,"args":{"labels":"${label}"},"ph":"M"},`);
  out.add(wrapped ? '{"traceEvents":[' : '[');
  meta(cann, 'CANN', 'CPU');
  meta(hardware, 'Ascend Hardware', 'NPU 0');
  meta(communication, 'Communication', 'NPU 0');
  const thread = (pid, tid, name) => out.add(`{"name":"thread_name","pid":${pid},"tid":${tid},"args":{"name":"${name}"},"ph":"M"},`);
  thread(cann, 4321, 'Thread 4321');
  thread(hardware, 11, 'Stream 11');
  thread(communication, 0, 'Group 10.0.0.1%enp_60000_0_17 Communication');
  thread(communication, 1, 'Plane 0');
  let at = 0;
  let connection = 1;
  let written = 10;
  const list = [];
  while (written < events) {
    const id = connection++;
    list.length = 0;
    list.push(`{"name":"AscendCL@aclnnMatmul","pid":${cann},"tid":4321,"ts":"${start(at)}","dur":3.14,"args":{"Thread Id":4321,"Mode":"launch","level":"acl","id":"aclnnMatmul","item_id":"${id}","connection_id":${id + 100000000}},"ph":"X"}`);
    list.push(`{"name":"Node@launch","pid":${cann},"tid":4321,"ts":"${start(at + 900)}","dur":1.2,"args":{"Thread Id":4321,"Mode":"launch","level":"node","id":"launch","item_id":"${id}","connection_id":${id}},"ph":"X"}`);
    list.push(`{"name":"HostToDevice${id * 4294967296}","ph":"s","cat":"HostToDevice","id":"${id * 4294967296}","pid":${cann},"tid":4321,"ts":"${start(at + 900)}"}`);
    const [type, core, , , us] = kernels[id % kernels.length];
    const duration = us * (0.9 + 0.2 * r());
    const begin = at + 8000;
    list.push(`{"name":"model.layers.${id % 61}.${type}_${id % 1000}","pid":${hardware},"tid":11,"ts":"${start(begin)}","dur":${time(duration)},"args":{"Model Id":4294967295,"Task Type":"${core}","Physic Stream Id":11,"Task Id":${id % 65536},"Batch Id":0,"Subtask Id":4294967295,"connection_id":${id}},"ph":"X"}`);
    list.push(`{"name":"HostToDevice${id * 4294967296}","ph":"f","cat":"HostToDevice","id":"${id * 4294967296}","pid":${hardware},"tid":11,"ts":"${start(begin)}","bp":"e"}`);
    at = begin + Math.round(duration * 1000) + 700;
    if (id % 20 === 0) {
      const long = 60 + r() * 30;
      list.push(`{"name":"hcom_allReduce__428_${id}_1","pid":${communication},"tid":0,"ts":"${start(at)}","dur":${time(long)},"args":{"connection_id":${id + 200000000},"model id":4294967295,"data_type":"BFP16","alg_type":"RING-NA","count":1048576,"rank_size":8},"ph":"X"}`);
      for (let k = 0; k < 8; k++) {
        const wait = k % 2 === 0;
        list.push(`{"name":"${wait ? 'Notify_Wait' : 'Memcpy'}","pid":${communication},"tid":1,"ts":"${start(at + k * 7000)}","dur":6.5,"args":{"notify_id":"${wait ? 13 : '18446744073709551615'}","duration estimated(us)":5.1,"stream id":40,"task id":${id % 60000},"context id":4294967295,"task type":"${wait ? 'Notify Wait' : 'SDMA'}","src rank":0,"dst rank":1,"transport type":"SDMA","size(Byte)":${wait ? 0 : 1048576},"data type":"BFP16","link type":"HCCS","bandwidth(GB/s)":25.1,"model id":4294967295},"ph":"X"}`);
      }
      at += Math.round(long * 1000) + 900;
    }
    written += list.length;
    out.add(`${list.join(',')}${written < events ? ',' : ''}`);
  }
  out.add(wrapped ? ']}' : ']');
  out.close();
}

/** One PROF folder of a rank: op_summary and nothing else. */
export function ranks(folder, count, rows) {
  for (let rank = 0; rank < count; rank++) {
    const prof = join(folder, `PROF_000001_202610011200${String(10000 + rank).padStart(6, '0')}_R${rank}`);
    mkdirSync(join(prof, 'mindstudio_profiler_output'), { recursive: true });
    mkdirSync(join(prof, `device_${rank}`), { recursive: true });
    closeSync(openSync(join(prof, `device_${rank}`, `end_info.${rank}`), 'w'));
    opSummary(join(prof, 'mindstudio_profiler_output', 'op_summary_20261001120000.csv'), rows, rank);
  }
}

/** A database of msprof with `tasks` kernels of one device, every one with its operator. Times pass 2^53 as on a real host. */
export async function database(path, tasks) {
  const { default: Sqlite } = await import('libsql');
  const db = new Sqlite(path);
  const strings = ['KERNEL_AICORE', ...kernels.flatMap(([type, core, inputs, outputs]) => [type, core, inputs.replaceAll('"', ''), outputs.replaceAll('"', '')]), 'DT_BF16;DT_BF16', 'ND;ND', 'dynamic'];
  const ids = [...new Set(strings)];
  const id = (text) => ids.indexOf(text.replaceAll('"', '')) + 1;
  const layers = 61;
  const name = (i) => ids.length + 1 + i;
  const pick = (column) => `CASE i % ${kernels.length} ${kernels.map((kernel, k) => `WHEN ${k} THEN ${column(kernel, k)}`).join(' ')} END`;
  db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    CREATE TABLE STRING_IDS (id INTEGER PRIMARY KEY, value TEXT);
    CREATE TABLE TASK (startNs INTEGER, endNs INTEGER, deviceId INTEGER, connectionId INTEGER, globalTaskId INTEGER, globalPid INTEGER, taskType INTEGER, contextId INTEGER, streamId INTEGER, taskId INTEGER, modelId INTEGER);
    CREATE TABLE COMPUTE_TASK_INFO (name INTEGER, globalTaskId INTEGER PRIMARY KEY, blockNum INTEGER, mixBlockNum INTEGER, taskType INTEGER, opType INTEGER, inputFormats INTEGER, inputDataTypes INTEGER, inputShapes INTEGER, outputFormats INTEGER, outputDataTypes INTEGER, outputShapes INTEGER, attrInfo INTEGER, opState INTEGER, hf32Eligible INTEGER);`);
  const put = db.prepare('INSERT INTO STRING_IDS VALUES (?, ?)');
  for (const [i, text] of ids.entries()) put.run(i + 1, text);
  for (let layer = 0; layer < layers; layer++) for (const [k, [type]] of kernels.entries()) put.run(name(layer * kernels.length + k), `model.layers.${layer}.${type}_${k}`);
  const counter = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT ${tasks})`;
  db.exec(`BEGIN;
    ${counter} INSERT INTO TASK SELECT ${base * 1000n} + i * 70000, ${base * 1000n} + i * 70000 + ${pick(([, , , , us]) => us * 280)} + i % 97, 0, i, i, 4321, ${id('KERNEL_AICORE')}, 4294967295, 2, i % 65536, 4294967295 FROM n;
    ${counter} INSERT INTO COMPUTE_TASK_INFO SELECT ${name(0)} + (i / ${kernels.length}) % ${layers} * ${kernels.length} + i % ${kernels.length}, i, 8 + i % 40, 0, ${pick(([, core]) => id(core))}, ${pick(([type]) => id(type))}, ${id('ND;ND')}, ${id('DT_BF16;DT_BF16')}, ${pick(([, , inputs]) => id(inputs))}, ${id('ND;ND')}, ${id('DT_BF16;DT_BF16')}, ${pick(([, , , outputs]) => id(outputs))}, NULL, ${id('dynamic')}, NULL FROM n;
    COMMIT;`);
  db.close();
}
