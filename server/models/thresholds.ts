/** Numbers of this foundation that are neither arithmetic nor read from a file: value, source, why. */
export const typical = {
  /** shares of the peak, 0–1 */
  cube: { value: 0.8, source: 'public GEMM figures of 910B reach 87–93 % of the cube peak (limulidae); msmodeling assumes 0.7', why: 'large prefill multiplications stay a little under the best published ones' },
  grouped_cube: { value: 0.7, source: 'msmodeling default for A2 and A3', why: 'grouped multiplications of experts have short rows' },
  vector: { value: 0.8, source: 'no public figure; as for memory', why: 'vector kernels here are bound by memory, so it hardly matters' },
  memory: { value: 0.8, source: 'decode multiplications of an A3 die read weights at 78–85 % of 1.6 TB/s (public roofline note); element-wise kernels of 910B at 80 % (limulidae)', why: 'large streams reach it, small ones do not' },
  link: { value: 0.65, source: 'all-gather and all-reduce of 910B at 54–68 % of the links in use (limulidae); msmodeling assumes 0.7', why: 'middle of the measured range' },
  /** µs per operator; a captured graph hides the host */
  launch_us: { value: 2, source: 'msmodeling: 2 µs for vector kernels, 5 µs for multiplications, 10 µs for communication', why: 'the smallest of them: graphs hide most of the launch' },
} as const;
