/** What the stack that khungtaskd writes below `INFO: task NAME:PID blocked for more than N seconds.` tells of the layer that hangs. Pure. */

/** A frame, behind any prefix of dmesg or the journal: ` name+0x1c/0x30 [module]`. */
const frame = /^(?:\[[^\]]{1,40}\]|.{0,80}? kernel:(?: \[[ \d.]+\])?)?\s+(?:\[<[0-9a-f]+>\] )?(?:\? )?([\w.$]{1,120})\+0x[0-9a-f]+\/0x[0-9a-f]+(?: \[(\w{1,40})\])?/;
/** Lines between the report and its stack, and between frames. */
const between = /Tainted:|Not tainted|hung_task_timeout_secs|\btask:|Call [Tt]race:|<\/?TASK>| D +(?:[0-9a-f]{4,} +)?\d+ +\d+ +\d+ 0x/;

/** Pages of a mapped file that are pinned for a copy to the card (domain.md I65). */
const pinning = /^(?:internal_)?(?:pin|get)_user_pages_fast$/;
/** Modules of the card's driver, as its own kernel lines name them (domain.md 1.1, I24, I65). */
const driver = /^(?:drv_|ascend|davinci)/;
/** File systems and block devices, as functions of Linux and as modules. */
const storage = /^(?:ext4|xfs|btrfs|nfs|nfs4|nfsv4|sunrpc|rpc|fuse|ceph|lustre|ll|osc|ptlrpc|gpfs|mmfs\w*|overlay|ovl|jbd2|blk|bio|nvme|scsi|dm|md|submit_bio|filemap|folio|__folio|do_read_fault|wait_on_page|__lock_page|io_schedule|vfs|iomap)(?:_|$)/;

/** Signatures of a task that hangs, by what its stack shows; without a stack it is only known that it hangs. */
export type Hung = 'd-state-copy' | 'hung-driver' | 'hung-storage' | 'hung-task';

/** @param below the lines behind the report, in their order; read up to the end of its stack */
export function hungBy(below: readonly string[]): Hung {
  const frames: { name: string; module: string }[] = [];
  for (const line of below) {
    const found = frame.exec(line);
    if (found !== null) frames.push({ name: found[1] ?? '', module: found[2] ?? '' });
    else if (frames.length > 0 ? !/<\/?TASK>/.test(line) : !between.test(line)) break;
  }
  if (frames.some((f) => pinning.test(f.name))) return 'd-state-copy';
  if (frames.some((f) => driver.test(f.module))) return 'hung-driver';
  if (frames.some((f) => storage.test(f.name) || storage.test(f.module))) return 'hung-storage';
  return 'hung-task';
}
