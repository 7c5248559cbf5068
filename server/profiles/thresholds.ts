/** Limits of the readers: value, source, and why. */
export const limits = {
  /** Bytes of one read. Measured: larger chunks do not read faster from a page cache, smaller ones cost more calls. */
  chunkBytes: 1 << 20,
  /** Bytes of one read for a scanner. Measured: of 128 kB to 4 MB this and 256 kB are the fastest by far, what was read is then still in the second-level cache. */
  scanBytes: 512 << 10,
  /** Bytes after which a reader gives its thread back for a moment; some 40 ms. */
  turnBytes: 16 << 20,
  /** A CSV below this is read on one thread. Measured: a thread needs some 60 ms to start, which 16 MB take to read. */
  threadedBytes: 16 << 20,
  /** Threads that read one CSV, at most. Measured on 2 cores only; beyond some four the memory bus is the limit. */
  csvThreads: 4,
  /** Bytes of a piece of a CSV read on several threads. Measured: a reader changes pieces in well under 1 ms, and the last to end keeps the others waiting for half a piece. */
  pieceBytes: 16 << 20,
  /** Room of a piece against the rows that are likely in it. Measured: with half as much again the pages between two pieces cost a third of the memory; a file whose rows change much in length is read again with the second. */
  pieceRooms: [1.05, 2],
  /** Longest CSV record. Source: kernel_details rows are 0.3–0.5 kB, call stacks in operator_details reach some 100 kB; a longer one is an unclosed quote. */
  csvRecordBytes: 16 << 20,
  /** Longest JSON event. Source: trace_view events with call stacks stay below 1 MB; a longer one is a torn file. */
  jsonEventBytes: 64 << 20,
  /** Whole-file JSON (communication.json, profiler_info, …). Source: communication.json of a long training step is some MB; beyond this it is not one. */
  jsonFileBytes: 256 << 20,
  /** Folders below the given one that are searched. Source: parent/rank/PROF/device_N/timeline is four deep. */
  folderDepth: 5,
  /** Folder entries looked at. A profile of 128 ranks has some 10,000 files; more is a whole disk given by mistake. */
  folderEntries: 50_000,
  /** ns between the start of a task in a CSV and in the timeline. Source: real captures differ by 1 ns (rounded against cut); two tasks of a stream are further apart. */
  sameTaskNs: 1000,
  /** Rows between two looks at the abort signal while reading a database. */
  rowsPerCheck: 65_536,
} as const;
