/** What each scenario of the demo plants: in the host, or in a commit of the simulated engine. */

export const plantNames = ['host-bound', 'slow-rank', 'oom-at-load', 'accuracy-drop', 'mtp-regression'] as const;
export type PlantName = (typeof plantNames)[number];

/** A commit of the simulated engine's repository, oldest first. */
export interface DemoCommit {
  /** State it belongs to. */
  readonly build: 'good' | 'bad' | 'fixed';
  readonly message: string;
  readonly files: Readonly<Record<string, string>>;
  /** Faults of this state, as a host file names them. */
  readonly defects: readonly (string | Readonly<Record<string, string | number>>)[];
}

/** Faults of the machine; a flag of the service avoids them. */
export const hostFaults: Readonly<Record<PlantName, readonly (string | Readonly<Record<string, string | number>>)[]>> = {
  'host-bound': ['host-bound'],
  'slow-rank': [],
  // The warm-up wants 3 GiB: there at a share of 0.93 of the memory, not at 0.98.
  'oom-at-load': [{ name: 'oom-at-load', rank: 0, needs_bytes: 3 * 1024 ** 3 }],
  'accuracy-drop': [],
  'mtp-regression': [],
};

const readme = { 'README.md': '# Simulated engine\n\nStands for the source tree of a serving engine. `defects.json` says what this state of it does wrong.\n', '.gitignore': 'build/\n' };
const first: DemoCommit = { build: 'good', message: 'engine', files: readme, defects: [] };

const affinity = (cores: string): string => `#include "affinity.h"

namespace engine {

// Host threads of a rank run on the cores of the NUMA node its card hangs on.
void bind_rank(int rank, int cores_per_rank) {
  const int first = ${cores};
  set_affinity(first, cores_per_rank);
}

}  // namespace engine
`;
const drafts = (rows: string): string => `#include "draft_state.h"

namespace engine {

// Hidden states the draft starts from: those of the tokens that were accepted.
Tensor gather_hidden(const Tensor& hidden, const Tensor& accepted) {
  return hidden.index_select(0, ${rows});
}

}  // namespace engine
`;
const cache = (positions: string): string => `#include "rope.h"

namespace engine {

// Positions of a decode step.
Tensor positions_of(const Tensor& lengths) {
  return ${positions};
}

}  // namespace engine
`;
const metrics = (lines: readonly string[]): string => `#include "metrics.h"

namespace engine {

void register_metrics() {
${lines.map((l) => `  define_counter("${l}");`).join('\n')}
}

}  // namespace engine
`;

const histories: Readonly<Record<PlantName, readonly DemoCommit[]>> = {
  'host-bound': [first],
  'oom-at-load': [first],
  'slow-rank': [
    { ...first, files: { ...readme, 'engine/affinity.cpp': affinity('rank * cores_per_rank') } },
    { build: 'bad', message: 'affinity: count cores from the end', files: { 'engine/affinity.cpp': affinity('(last_core() - rank * cores_per_rank) % cores_per_rank') }, defects: [{ name: 'slow-rank', rank: 1 }] },
    { build: 'fixed', message: 'affinity: each rank on its own cores again', files: { 'engine/affinity.cpp': affinity('rank * cores_per_rank') }, defects: [] },
  ],
  'mtp-regression': [
    { ...first, files: { ...readme, 'engine/draft_state.cpp': drafts('accepted') } },
    { build: 'bad', message: 'draft: one gather less', files: { 'engine/draft_state.cpp': drafts('accepted - 1') }, defects: ['mtp-regression'] },
    { build: 'fixed', message: 'draft: start from the accepted token again', files: { 'engine/draft_state.cpp': drafts('accepted') }, defects: [] },
  ],
  'accuracy-drop': [
    { ...first, files: { ...readme, 'engine/rope.cpp': cache('lengths - 1'), 'engine/metrics.cpp': metrics(['requests']) } },
    { build: 'bad', message: 'metrics: tokens', files: { 'engine/metrics.cpp': metrics(['requests', 'tokens']) }, defects: [] },
    { build: 'bad', message: 'rope: positions without a copy', files: { 'engine/rope.cpp': cache('lengths') }, defects: [{ name: 'accuracy-drop', share: 0.9 }] },
    { build: 'bad', message: 'metrics: steps', files: { 'engine/metrics.cpp': metrics(['requests', 'tokens', 'steps']) }, defects: [{ name: 'accuracy-drop', share: 0.9 }] },
    { build: 'fixed', message: 'rope: positions count from zero again', files: { 'engine/rope.cpp': cache('lengths - 1') }, defects: [] },
  ],
};

export function commitsOf(plant: PlantName): readonly DemoCommit[] {
  return histories[plant];
}
