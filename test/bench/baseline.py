"""What an ordinary script does with the standard library: the whole file in memory, then the table. Prints seconds and peak MB."""
import csv
import json
import resource
import sqlite3
import sys
import time


def union(intervals):
    total, end = 0, None
    for a, b in sorted(intervals):
        if end is None or a > end:
            total += b - a
            end = b
        elif b > end:
            total += b - end
            end = b
    return total


def op_summary(path):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    kernels, windows = {}, {}
    for row in rows:
        start, dur = float(row["Task Start Time(us)"]), float(row["Task Duration(us)"])
        comm = row["Task Type"] == "COMMUNICATION"
        windows.setdefault(row["Device_id"], ([], []))[1 if comm else 0].append((start, start + dur))
        if comm:
            continue
        k = kernels.setdefault((row["Device_id"], row["OP Type"], row["Task Type"]), [0, 0.0, 0.0, 0.0])
        k[0] += 1
        k[1] += dur
        k[2] = max(k[2], dur)
        k[3] += dur * float(row["aic_mac_ratio"])
    gaps = {}
    for device, (compute, comm) in windows.items():
        both = compute + comm
        span = max(b for _, b in both) - min(a for a, _ in both)
        gaps[device] = (span, union(compute), union(comm), span - union(both))
    return len(rows), len(kernels), gaps


def timeline(path):
    with open(path) as f:
        data = json.load(f)
    events = data["traceEvents"] if isinstance(data, dict) else data
    return len(events)


def database(path):
    db = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    sql = """SELECT n.value, t.value, count(*), sum(k.endNs - k.startNs), max(k.endNs - k.startNs) FROM TASK k
      JOIN COMPUTE_TASK_INFO c ON c.globalTaskId = k.globalTaskId JOIN STRING_IDS n ON n.id = c.opType JOIN STRING_IDS t ON t.id = c.taskType
      GROUP BY n.value, t.value"""
    return len(db.execute(sql).fetchall())


begin = time.perf_counter()
said = {"csv": op_summary, "timeline": timeline, "db": database}[sys.argv[1]](sys.argv[2])
print(json.dumps({"seconds": time.perf_counter() - begin, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "said": str(said)}))
