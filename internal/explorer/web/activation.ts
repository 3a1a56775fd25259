// The activations, as package op has them.

/** activation returns the function of a name. */
export function activation(kind: string, alpha: number): (z: number) => number {
  switch (kind) {
    case "identity":
      return (z) => z;
    case "relu":
      return (z) => (z <= 0 ? 0 : z);
    case "leakyrelu":
      return (z) => (z <= 0 ? alpha * z : z);
    case "tanh":
      return Math.tanh;
    case "sigmoid":
      return (z) => 1 / (1 + Math.exp(-z));
    case "elu":
      return (z) => (z <= 0 ? alpha * Math.expm1(z) : z);
    case "gelu":
      return (z) => (z * erfc(-z / Math.SQRT2)) / 2;
    case "exp":
      return (z) => Math.exp(alpha * z);
  }
  throw new Error(`flow: unknown activation ${kind}`);
}

/**
 * erfc is 1 − erf(x), to some 1e-14 of itself: near 0 by the series 7.1.6 of
 * Abramowitz and Stegun, elsewhere by the continued fraction 7.1.14, from its end.
 */
export function erfc(x: number): number {
  if (x !== x) return x;
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = x, sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let tail = 0;
  for (let k = 60; k > 0; k--) tail = k / 2 / (a + tail);
  const y = Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + tail);
  return x > 0 ? y : 2 - y;
}
