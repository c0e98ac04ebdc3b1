// The table of kernels that one instruction set provides, and their arguments.
//
// Every kernel is row-exact: an output element is one fixed sequence of fused multiply-adds that
// depends neither on the other rows of the call, nor on how outputs are shared out to threads, nor
// on the instruction set. Reductions over k use kLanes virtual lanes: lane j takes elements j,
// j + 16, j + 32 ... in order, elements past the end count as zero, and the lanes are then added in
// the fixed tree (j, j+8), (j, j+4), (j, j+2), (j, j+1). The scalar kernels are the specification.
// Only the sign and payload of a NaN are not specified. Pointers need only a float's alignment.
#ifndef TANDEM_KERNELS_KERNELS_H_
#define TANDEM_KERNELS_KERNELS_H_

#include <cstdint>

#include "kernels/kv_layout.h"
#include "kernels/panels.h"

namespace tandem {

inline constexpr int64_t kLanes = 16;    // virtual lanes of every reduction
inline constexpr int64_t kKvPage = 256;  // positions of a page, which attention reduces by itself
inline constexpr int64_t kMaxAttentionRows = 8;         // queries of any instruction set's tile
inline constexpr int64_t kActivationTableSize = 65536;  // one value for each f16

// y[r, o] = sum_k x[r, k] * w[o, k] (+ bias[o]) (+ y[r, o] when accumulate), o in [oBegin, oEnd).
// A call with 64 or more outputs reads w fastest, because it uses long streams.
template <class X, class W>
struct MatmulArgs {
  const X* x;             // (nRows, nIn), rows ldx apart
  const W* w;             // (nOut, nIn), rows ldw apart
  const float* bias;      // (nOut) or null
  float* y;               // (nRows, nOut), rows ldy apart
  int64_t ldx, ldw, ldy;  // in elements
  int64_t nRows, nIn;
  bool accumulate;
};

// Rows to write to K or V of one KV head.
struct KvStoreArgs {
  void* to;          // the head's K or V, from position 0 on
  const float* x;    // (nRows, headDim), rows ldx apart
  int64_t rowBytes;  // kvRowBytes
  int64_t ldx, nRows, position, headDim;
};

// Causal attention of consecutive rows of one sequence, for the query heads that share a KV head.
//
// K and V are the stored values as f32. For a query q at position n, each page b of positions t =
// 256 b, 256 b + 1, ... <= n is reduced first, d and t in order:
//   s[t] = scale * sum_d q[d] * K[t, d];  m_b = max s;  e[t] = exp(s[t] - m_b)
//   z_b = sum_t e[t] over the virtual lanes;  o_b[d] = sum_t e[t] * V[t, d]
// Then m, z, o start as those of page 0, and each further page, in order, is added to them:
//   m' = max(m, m_b);  f = exp(m - m');  g = exp(m_b - m');  m = m'
//   z = fma(z, f, z_b * g);  o[d] = fma(o[d], f, o_b[d] * g)
// and out[d] = o[d] / z. Values behind a row's last position, in K, V or the last group, do not
// matter.
struct AttentionArgs {
  const float* q;   // (nRows, nHeads, headDim), rows ldq apart
  const void* k;    // the KV head's, from position 0 on: kv_layout.h
  const void* v;    //
  float* out;       // (nRows, nHeads, headDim), rows ldo apart
  float* scratch;   // attentionScratchFloats(...) floats, private to the calling thread
  float* partials;  // (pages, nRows * nHeads, attentionPartialFloats(headDim)), or null
  int64_t ldq, ldo, kvRowBytes;
  int64_t nRows, nHeads, firstPosition, headDim;
  int64_t pageBegin, pageEnd;  // all pages when partials is null
  float scale;
};

enum class ActivationKind { kGeluTanh, kGeluErf, kSilu };

// Weights in panels, activations quantised row by row and block by block.
//
// Let m be the largest magnitude in a block of 32 activations. If m is below 2^-100, all q are
// zero; otherwise scale = m / 127 and q[k] = x[k] * (127 / m), rounded to the nearest whole number,
// ties to even. A block with a NaN or an infinity has the scale NaN. An output starts at zero and
// each block, in order, adds fma(float(isum), x's scale * w's scale, output), where isum = sum_k
// q[k] * w[k] is exact; then bias, then y. In a Q4KPanel w's scale is scale * scales[b], also
// exact, and each block then adds fma(-(x's scale * float(sum_k q[k])), min * mins[b], output). In
// a Q6KPanel w[k] includes scales[2 b + k / 16]. ldw counts panel blocks from one panel to the
// next; oBegin is a multiple of 16.
struct PanelKernels {
  // dst: (n / 32) blocks of x: (n); n is a multiple of 32.
  void (*quantize)(ActivationBlock* dst, const float* x, int64_t n);
  void (*matmulQ8)(const MatmulArgs<ActivationBlock, Q8Panel>& args, int64_t oBegin, int64_t oEnd);
  void (*matmulQ4)(const MatmulArgs<ActivationBlock, Q4Panel>& args, int64_t oBegin, int64_t oEnd);
  void (*matmulQ4K)(const MatmulArgs<ActivationBlock, Q4KPanel>& args, int64_t oBegin,
                    int64_t oEnd);
  void (*matmulQ6K)(const MatmulArgs<ActivationBlock, Q6KPanel>& args, int64_t oBegin,
                    int64_t oEnd);
};

// Weights and activations as bfloat16, multiplied by the processor's instruction. The bits differ
// from those of all other kernels, but also do not depend on other rows or on the threads. Null if
// the processor has no such instruction.
struct Bf16DotKernels {
  // dst[i] = x[i] rounded to bfloat16.
  void (*round)(uint16_t* dst, const float* x, int64_t n);
  void (*matmul)(const MatmulArgs<uint16_t, uint16_t>& args, int64_t oBegin, int64_t oEnd);
};

// Kernels for one type of KV cache.
struct KvKernels {
  void (*storeKeys)(const KvStoreArgs& args);
  void (*storeValues)(const KvStoreArgs& args);
  // Reduces all pages to out, or some of them to partials.
  void (*attention)(const AttentionArgs& args);
};

struct KernelTable {
  const char* isa;
  void (*matmulF32)(const MatmulArgs<float, float>& args, int64_t oBegin, int64_t oEnd);
  // w as IEEE half or bfloat16; the bits are those of the same values as f32.
  void (*matmulF16)(const MatmulArgs<float, uint16_t>& args, int64_t oBegin, int64_t oEnd);
  void (*matmulBf16)(const MatmulArgs<float, uint16_t>& args, int64_t oBegin, int64_t oEnd);
  PanelKernels panels;
  Bf16DotKernels bf16Dots;
  // y, x: (n); gain (n); bias (n) or null. y may be x.
  void (*layerNorm)(float* y, const float* x, const float* gain, const float* bias, int64_t n,
                    float eps);
  void (*rmsNorm)(float* y, const float* x, const float* gain, int64_t n, float eps);
  // y[i] = act(x[i]) * (up ? up[i] : 1); y may be x. `table` is null for the formula; otherwise it
  // holds f16 bits of act for all f16 patterns, and is indexed by x rounded to f16, ties to even.
  // Outside (-10, 10) for GELU, (-20, 20) for SiLU by table and (-87, 87) for SiLU by formula, act
  // is 0 or x. NaN stays NaN. Both GELUs are evaluated without cancellation: the tanh form as x /
  // (1 + exp(-2u)), the erf form as x times the normal distribution function.
  void (*activate)(float* y, const float* x, const float* up, int64_t n, ActivationKind kind,
                   const uint16_t* table);
  // Rotates one head in place. cos, sin: (headDim / 2), for this position.
  // interleaved: pairs (2i, 2i+1), otherwise (i, i + headDim/2).
  void (*rope)(float* head, const float* cos, const float* sin, int64_t headDim, bool interleaved);
  KvKernels kv[kKvTypes];  // by KvType
  // Adds the partials of all pages to out, and overwrites them.
  void (*combinePartials)(const AttentionArgs& args);
  // x[i] += y[i]
  void (*add)(float* x, const float* y, int64_t n);
  // dst[i] = float(src[i]) from IEEE half / bfloat16.
  void (*expandF16)(float* dst, const uint16_t* src, int64_t n);
  void (*expandBf16)(float* dst, const uint16_t* src, int64_t n);
};

// The floats of one query's state of a page: its sums in whole vectors, then m and z.
constexpr int64_t attentionPartialFloats(int64_t headDim) {
  return (headDim + kLanes - 1) / kLanes * kLanes + kLanes;
}

// Floats of scratch that `attention` needs for that many queries, heads of rows: their elements,
// two results each, the scores of a tile, and a page of K and of V as f32.
constexpr int64_t attentionScratchFloats(int64_t nQueries, int64_t headDim) {
  return nQueries * (headDim + 2 * attentionPartialFloats(headDim)) + kMaxAttentionRows * kKvPage +
         2 * kKvPage * headDim;
}

// The table for "avx512bf16", "avx512vnni", "avx512", "avx2", "neondot", "neon" or "scalar"; for a
// null or empty name, TANDEM_ISA, otherwise the best available. Throws Error(kUnsupported) for a
// name this machine or build lacks.
const KernelTable& kernels(const char* isa);

}  // namespace tandem

#endif  // TANDEM_KERNELS_KERNELS_H_
