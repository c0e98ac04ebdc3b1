// Writes vectors.json beside this file: node make-vectors.mjs
import { writeFileSync } from 'node:fs';
import { exp, gumbel, log, philox, sample } from './reference.mjs';

const hex = (x) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
};

// Logits that SamplingVectorsTest makes the same way: a sum of four uniforms is bell-shaped.
function madeLogits({ vocabSize, stream, spread }) {
  return Array.from({ length: vocabSize }, (_, id) => {
    const sum = philox([id, stream, 0, 0], [0, 0]).reduce((a, w) => a + (w >>> 8) * 2 ** -24, -2);
    return Math.fround(sum * spread);
  });
}

const number = (x) => ({ NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity })[x] ?? Math.fround(x);

const defaults = {
  temperature: 1, topK: 0, topP: 1, minP: 0, repeatPenalty: 1, presencePenalty: 0,
  frequencyPenalty: 0, logitBias: {}, seed: '0',
};

const cases = [];
function add(name, logits, options, { prompt = [], generated = [], positions = [0, 1, 17] } = {}) {
  const all = { ...defaults, ...options };
  const numbers = { ...all, logitBias: Object.fromEntries(
    Object.entries(all.logitBias).map(([id, bias]) => [id, Number(bias)])) };
  const values = Array.isArray(logits) ? logits.map(number) : madeLogits(logits);
  const draws = positions.map((position) =>
    ({ position, ...sample(values, numbers, prompt, generated, position) }));
  cases.push({ name, logits, options: all, prompt, generated, draws });
}

const small = [0.5, -1.25, 3, 2.75, 2.75, -7, 0, 1.5];
const wide = (stream, spread) => ({ vocabSize: 50257, stream, spread });
const many = Array.from({ length: 24 }, (_, i) => i);
add('greedy', small, { temperature: 0 });
add('greedy, tie to the lower id', [1, 4, 4, 2], { temperature: 0 });
add('greedy with bias', small, { temperature: 0, logitBias: { 5: 20, 2: '-Infinity' } });
add('temperature 1', small, { seed: '42' }, { positions: many });
add('temperature 0.7', small, { temperature: 0.7, seed: '42' }, { positions: many });
add('a seed of 64 bits', small, { seed: '18364758544493064720' }, { positions: many });
add('the low word of a seed alone', small, { seed: '1985229328' }, { positions: many });
add('all equal', new Array(9).fill(0.25), { seed: '3' }, { positions: many });
add('top-k through a tie', small, { topK: 2, seed: '5' }, { positions: many });
add('top-k 1', small, { topK: 1, seed: '5' });
add('top-p 0', small, { topP: 0, seed: '5' });
add('top-p on an exact boundary', [0, 0, 0, 0], { topP: 0.5, seed: '6' }, { positions: many });
add('top-p just above a boundary', [0, 0, 0, 0], { topP: 0.5000000000000001, seed: '6' }, { positions: many });
add('top-p 0.9', small, { topP: 0.9, seed: '7' }, { positions: many });
add('top-p of what top-k left', small, { topK: 3, topP: 0.7, seed: '7' }, { positions: many });
add('min-p', small, { minP: 0.25, seed: '8' }, { positions: many });
add('min-p 1 keeps ties with the best', [1, 2, 2, 0], { minP: 1, seed: '8' }, { positions: many });
add('all truncations', small, { topK: 5, topP: 0.95, minP: 0.7, temperature: 1.3, seed: '9' }, { positions: many });
const history = { prompt: [2, 3, 5, 3], generated: [3, 3, 1, 0], positions: many };
add('repeat penalty', small, { repeatPenalty: 1.7, seed: '10' }, history);
add('presence penalty', small, { presencePenalty: 1.5, seed: '11' }, history);
add('frequency penalty', small, { frequencyPenalty: 0.6, seed: '12' }, history);
add('negative penalties', small, { presencePenalty: -0.5, frequencyPenalty: -0.25, seed: '13' }, history);
add('penalties and bias', small, {
  repeatPenalty: 1.1, presencePenalty: 0.3, frequencyPenalty: 0.2, logitBias: { 3: 1.1, 5: 9.3 },
  temperature: 0.9, topP: 0.95, seed: '14' }, history);
add('NaN is never drawn', ['NaN', 1, 'NaN', 0], { seed: '15' }, { positions: many });
add('-Infinity is never drawn', ['-Infinity', 1, 0, '-Infinity'], { seed: '16' }, { positions: many });
add('+Infinity is the largest float', [3, 'Infinity', 0, 3.4028234663852886e38], { seed: '17' });
add('nothing to draw', ['NaN', '-Infinity'], {});
add('nothing to draw, greedy', ['NaN', '-Infinity'], { temperature: 0 });
add('everything forbidden', [1, 2], { logitBias: { 0: '-Infinity', 1: '-Infinity' } });
add('GPT-2 vocabulary', wide(1, 8), { seed: '18' }, { positions: many });
add('GPT-2 vocabulary, flat', wide(2, 0.5), { seed: '19' }, { positions: many });
add('GPT-2 vocabulary, top-p 0.9', wide(3, 8), { topP: 0.9, seed: '20' }, { positions: many });
add('GPT-2 vocabulary, top-p 0.9, flat', wide(4, 1), { topP: 0.9, seed: '21' }, { positions: many });
add('GPT-2 vocabulary, hot', wide(5, 8), { temperature: 2.5, topP: 0.99, seed: '22' }, { positions: many });
add('GPT-2 vocabulary, all', wide(6, 10), {
  temperature: 0.8, topK: 400, topP: 0.95, minP: 0.01, repeatPenalty: 1.2, seed: '23' },
{ prompt: [15496, 995], generated: [11, 314], positions: many });

const words = [0, 0xff, 0x100, 0x1234567, 0x5eb6a5c3, 0x7fffffff, 0x80000000, 0xdeadbeef, 0xfffffeff, 0xffffffff];
const logs = [5e-324, 1e-310, 2 ** -25, 0.1, 0.5, 0.70703125, 0.7071067811865476, 0.9999, 1 - 2 ** -25,
  1, 1 + 2 ** -22, 1.5, 2, 17.328679513998633, 1e300];
const exps = [-746, -745, -710, -708.5, -40, -20.2, -1.5, -1.03, -0.7, -0.35, -0.3, -1e-5, -1e-9, 0, 0.5, 1, 709];
const vectors = {
  philox: [
    [[0, 0, 0, 0], [0, 0]],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff]],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]],
  ].map(([counter, key]) => ({ counter, key, words: philox(counter, key).map((w) => w.toString(16).padStart(8, '0')) })),
  gumbel: words.map((word) => ({ word, bits: hex(gumbel(word)) })),
  log: logs.map((x) => ({ x: hex(x), bits: hex(log(x)) })),
  exp: exps.map((x) => ({ x: hex(x), bits: hex(exp(x)) })),
  samples: cases,
};
const lines = (items) => '[\n' + items.map((item) => '    ' + JSON.stringify(item)).join(',\n') + '\n  ]';
writeFileSync(new URL('vectors.json', import.meta.url),
  '{\n' + Object.entries(vectors).map(([name, items]) => `  "${name}": ${lines(items)}`).join(',\n') + '\n}\n');
