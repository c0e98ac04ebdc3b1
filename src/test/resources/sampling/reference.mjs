// docs/sampling.md by the letter, in JavaScript: everything is sorted, summed and drawn, and
// nothing is skipped. make-vectors.mjs makes vectors.json with it.

const view = new DataView(new ArrayBuffer(8));
const high = (x) => (view.setFloat64(0, x), view.getInt32(0));
const low = (x) => (view.setFloat64(0, x), view.getUint32(4));
const withHigh = (x, hi) => (view.setFloat64(0, x), view.setInt32(0, hi), view.getFloat64(0));

const LN2_HI = 6.93147180369123816490e-1;
const LN2_LO = 1.90821492927058770002e-10;

/** fdlibm's e_log.c. */
export function log(x) {
  let hx = high(x);
  let k = 0;
  if (hx < 0x00100000) {
    if (((hx & 0x7fffffff) | low(x)) === 0) return -Infinity;
    if (hx < 0) return NaN;
    k -= 54;
    x *= 18014398509481984;
    hx = high(x);
  }
  if (hx >= 0x7ff00000) return x + x;
  k += (hx >> 20) - 1023;
  hx &= 0x000fffff;
  let i = (hx + 0x95f64) & 0x100000;
  x = withHigh(x, hx | (i ^ 0x3ff00000));
  k += i >> 20;
  const f = x - 1;
  if ((0x000fffff & (2 + hx)) < 3) {
    if (f === 0) return k === 0 ? 0 : k * LN2_HI + k * LN2_LO;
    const r = f * f * (0.5 - 0.33333333333333333 * f);
    return k === 0 ? f - r : k * LN2_HI - (r - k * LN2_LO - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  i = hx - 0x6147a;
  const w = z * z;
  const j = 0x6b851 - hx;
  const t1 = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const t2 = z * (6.666666666666735130e-1 + w * (2.857142874366239149e-1
      + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const r = t2 + t1;
  if ((i | j) > 0) {
    const hfsq = 0.5 * f * f;
    return k === 0
      ? f - (hfsq - s * (hfsq + r))
      : k * LN2_HI - (hfsq - (s * (hfsq + r) + k * LN2_LO) - f);
  }
  return k === 0 ? f - s * (f - r) : k * LN2_HI - (s * (f - r) - k * LN2_LO - f);
}

/** fdlibm's e_exp.c. */
export function exp(x) {
  const sign = high(x) < 0 ? 1 : 0;
  const hx = high(x) & 0x7fffffff;
  if (hx >= 0x40862e42) {
    if (hx >= 0x7ff00000) return x !== x ? NaN : sign ? 0 : Infinity;
    if (x > 7.09782712893383973096e2) return Infinity;
    if (x < -7.45133219101941108420e2) return 0;
  }
  let k = 0;
  let hi = 0;
  let lo = 0;
  if (hx > 0x3fd62e42) {
    if (hx < 0x3ff0a2b2) {
      hi = sign ? x + LN2_HI : x - LN2_HI;
      lo = sign ? -LN2_LO : LN2_LO;
      k = 1 - sign - sign;
    } else {
      k = Math.trunc(1.44269504088896338700 * x + (sign ? -0.5 : 0.5));
      hi = x - k * LN2_HI;
      lo = k * LN2_LO;
    }
    x = hi - lo;
  } else if (hx < 0x3e300000) {
    return 1 + x;
  }
  const t = x * x;
  const c = x - t * (1.66666666666666019037e-1 + t * (-2.77777777770155933842e-3
      + t * (6.61375632143793436117e-5 + t * (-1.65339022054652515390e-6
      + t * 4.13813679705723846039e-8))));
  if (k === 0) return 1 - ((x * c) / (c - 2) - x);
  const y = 1 - (lo - (x * c) / (2 - c) - hi);
  return k >= -1021
    ? withHigh(y, high(y) + (k << 20))
    : withHigh(y, high(y) + ((k + 1000) << 20)) * 2 ** -1000;
}

/** High and low word of an unsigned 32 x 32-bit product. */
function multiply(a, b) {
  const product = BigInt(a >>> 0) * BigInt(b >>> 0);
  return [Number(product >> 32n), Number(product & 0xffffffffn)];
}

/** Philox4x32-10. */
export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [hi0, lo0] = multiply(0xd2511f53, c0);
    const [hi1, lo1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(hi1 ^ c1 ^ k0) >>> 0, lo1, (hi0 ^ c3 ^ k1) >>> 0, lo0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

export function gumbel(word) {
  const u = ((word >>> 8) + 0.5) * 2 ** -24;
  return -log(-log(u));
}

const MAX_FLOAT = 3.4028234663852886e38;

/** The adjusted logits: steps 1 to 3. */
function adjust(logits, options, prompt, generated) {
  const inPrompt = new Set(prompt);
  const counts = new Map();
  for (const id of generated) counts.set(id, (counts.get(id) ?? 0) + 1);
  return logits.map((logit, id) => {
    if (Number.isNaN(logit)) return -Infinity;
    let x = Math.min(logit, MAX_FLOAT);
    const count = counts.get(id) ?? 0;
    if (count > 0 || inPrompt.has(id)) {
      x = x > 0 ? x / options.repeatPenalty : x * options.repeatPenalty;
    }
    if (count > 0) {
      x = x - count * options.frequencyPenalty;
      x = x - options.presencePenalty;
    }
    if (id in options.logitBias) x = x + options.logitBias[id];
    return Math.min(Math.fround(x), MAX_FLOAT);
  });
}

/** Draws one token. Returns the id, -1 where there is none, and how many tokens were left. */
export function sample(logits, options, prompt, generated, position) {
  const adjusted = adjust(logits, options, prompt, generated);
  let kept = adjusted.map((_, id) => id).filter((id) => adjusted[id] > -Infinity);
  kept.sort((a, b) => adjusted[b] - adjusted[a] || a - b);
  if (kept.length === 0) return { token: -1, kept: 0 };
  if (options.temperature === 0) return { token: kept[0], kept: 1 };

  const scaled = (id) => adjusted[id] / options.temperature;
  const best = scaled(kept[0]);
  if (options.topK > 0) kept = kept.slice(0, options.topK);
  if (options.topP < 1) {
    let sum = 0;
    for (const id of kept) sum += exp(scaled(id) - best);
    const wanted = options.topP * sum;
    let reached = 0;
    let n = 0;
    do reached += exp(scaled(kept[n++]) - best); while (reached < wanted);
    kept = kept.slice(0, n);
  }
  if (options.minP > 0) kept = kept.filter((id) => exp(scaled(id) - best) >= options.minP);

  const seed = BigInt.asUintN(64, BigInt(options.seed));
  const key = [Number(seed & 0xffffffffn), Number(seed >> 32n)];
  let token = -1;
  let winning = -Infinity;
  for (const id of kept.slice().sort((a, b) => a - b)) {
    const word = philox([position, 0, id >>> 2, 0], key)[id & 3];
    const sum = scaled(id) + gumbel(word);
    if (token < 0 || sum > winning) {
      token = id;
      winning = sum;
    }
  }
  return { token, kept: kept.length };
}
