/** Normal, Student and noncentral Student distributions. Pure; accurate to about 1e-10 (noncentral: 1e-7). */

/** Coefficients of Lanczos' approximation, g = 7, n = 9 (Numerical Recipes, 3rd ed., 6.1). */
const lanczos = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];

export function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x);
  const z = x - 1;
  const [first = 0, ...rest] = lanczos;
  const sum = rest.reduce((a, c, i) => a + c / (z + i + 1), first);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Continued fraction of the incomplete beta function, Lentz' method (Numerical Recipes, 3rd ed., 6.4). */
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const safe = (v: number): number => (Math.abs(v) < tiny ? tiny : v);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m <= 500; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

/** Regularised incomplete beta function I_x(a, b), a and b above 0, x in 0..1. */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(a, b, x)) / a : 1 - (front * betaFraction(b, a, 1 - x)) / b;
}

/** Two-sided tail of Student's t: P(|T| ≥ |t|) at `df` degrees of freedom (any number above 0). */
export function tTail(t: number, df: number): number {
  return Number.isFinite(t) ? incompleteBeta(df / 2, 0.5, df / (df + t * t)) : 0;
}

/** The x where a growing function reaches `target`, by bisection. */
export function rootOf(f: (x: number) => number, target: number, low: number, high: number): number {
  let a = low;
  let b = high;
  for (let i = 0; i < 200; i += 1) {
    const middle = (a + b) / 2;
    if (middle === a || middle === b) break;
    if (f(middle) < target) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

/** The t that a two-sided test at `alpha` needs. */
export function tCritical(alpha: number, df: number): number {
  let high = 2;
  while (tTail(high, df) > alpha && high < 1e12) high *= 2;
  return rootOf((t) => -tTail(t, df), -alpha, 0, high);
}

/** P(Z ≤ z). Through the incomplete gamma function: series below 3, continued fraction above. */
export function normalCdf(z: number): number {
  const x = (z * z) / 2;
  const sign = z < 0 ? -1 : 1;
  const scale = Math.exp(-x + 0.5 * Math.log(x === 0 ? 1 : x) - lnGamma(0.5));
  if (x === 0) return 0.5;
  if (x < 4.5) {
    let term = 2;
    let sum = 2;
    for (let n = 1; n < 200 && Math.abs(term) > sum * 1e-17; n += 1) sum += term *= x / (0.5 + n);
    return 0.5 * (1 + sign * scale * sum);
  }
  let c = 1e300;
  let d = 1 / (x + 0.5);
  let h = d;
  for (let i = 1; i < 200; i += 1) {
    const an = -i * (i - 0.5);
    const b = x + 0.5 + 2 * i;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  const upper = 0.5 * scale * h;
  return sign < 0 ? upper : 1 - upper;
}

/** z with P(Z ≤ z) = p. */
export function normalQuantile(p: number): number {
  return rootOf(normalCdf, p, -40, 40);
}

/**
 * P(T ≤ t) of the noncentral t: Φ(t·s − δ) averaged over s = √(χ²/ν), whose density is 2(ν/2)^(ν/2)/Γ(ν/2) · s^(ν−1) e^(−νs²/2);
 * Simpson's rule (Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 2, ch. 31).
 */
export function noncentralTCdf(t: number, df: number, delta: number): number {
  const high = 1 + 9 / Math.sqrt(Math.max(1, df));
  const low = Math.max(0, 1 - 9 / Math.sqrt(Math.max(1, df)));
  const steps = 400;
  const h = (high - low) / steps;
  const front = Math.log(2) + (df / 2) * Math.log(df / 2) - lnGamma(df / 2);
  let sum = 0;
  for (let i = 0; i <= steps; i += 1) {
    const s = low + i * h;
    if (s === 0 && df < 1) continue;
    const density = s === 0 ? (df === 1 ? Math.exp(front) : 0) : Math.exp(front + (df - 1) * Math.log(s) - (df * s * s) / 2);
    sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * density * normalCdf(t * s - delta);
  }
  return Math.min(1, Math.max(0, (sum * h) / 3));
}
