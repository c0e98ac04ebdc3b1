// The table of kernels that one instruction set provides, and their arguments.
//
// Every kernel is row-exact: an output element is one fixed sequence of fused multiply-adds that
// depends neither on the other rows of the call, nor on how outputs are shared out to threads, nor
// on the instruction set. Reductions over k use kLanes virtual lanes: lane j takes elements j,
// j + 16, j + 32 ... in order, elements past the end count as zero, and the lanes are then added in
// the fixed tree (j, j+8), (j, j+4), (j, j+2), (j, j+1). The scalar kernels are the specification.
// Only the sign and payload of a NaN are left open. Pointers need no more than a float's alignment.
#ifndef TANDEM_KERNELS_KERNELS_H_
#define TANDEM_KERNELS_KERNELS_H_

#include <cstdint>

#include "kernels/panels.h"

namespace tandem {

inline constexpr int64_t kLanes = 16;    // virtual lanes of every reduction
inline constexpr int64_t kKvPanel = 16;  // positions in one panel of the K cache

// y[r, o] = sum_k x[r, k] * w[o, k] (+ bias[o]) (+ y[r, o] when accumulate), o in [oBegin, oEnd).
// A call over 64 or more outputs reads w fastest: it lets long streams run through it.
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

// Causal attention of consecutive rows of one sequence for one query head.
// s[t] = scale * sum_d q[r, d] * K[t, d] for t <= firstPosition + r, d in order; e[t] = exp(s[t] -
// max s); out[r, d] = (sum_t e[t] * V[t, d], t in order) / (sum_t e[t] over the virtual lanes).
// What lies behind a row's last position, in K, V or the last panel, does not matter.
struct AttentionArgs {
  const float* q;  // (nRows, headDim), rows ldq apart
  const float* k;  // panels: (ceil(positions / 16), headDim, 16): K[t, d] = k[t/16][d][t%16]
  const float* v;  // (positions, headDim)
  float* out;      // (nRows, headDim), rows ldo apart
  float* scratch;  // attentionScratchFloats(...) floats, private to the calling thread
  int64_t ldq, ldo;
  int64_t nRows, firstPosition, headDim;
  float scale;
};

// Arithmetic alone, for rooflines.
struct PeakLoop {
  float (*run)(int64_t n);  // n rounds
  int64_t operations;       // of one round: a product and its sum are two
};

enum class ActivationKind { kGeluTanh, kGeluErf, kSilu };

// Weights in panels, activations quantised row by row and block by block.
//
// Of a block of 32 activations, m is the largest magnitude. Below 2^-100 all are zero; else scale =
// m / 127 and q[k] = x[k] * (127 / m), rounded to the nearest whole number, ties to even. A block
// with a NaN or an infinity has the scale NaN. An output starts at zero and each block, in order,
// adds fma(float(isum), x's scale * w's scale, output), where isum = sum_k q[k] * w[k] is exact;
// then bias, then y. ldw counts panel blocks from one panel to the next; oBegin is a multiple
// of 16.
struct PanelKernels {
  // dst: (n / 32) blocks of x: (n); n is a multiple of 32.
  void (*quantize)(ActivationBlock* dst, const float* x, int64_t n);
  void (*matmulQ8)(const MatmulArgs<ActivationBlock, Q8Panel>& args, int64_t oBegin, int64_t oEnd);
  void (*matmulQ4)(const MatmulArgs<ActivationBlock, Q4Panel>& args, int64_t oBegin, int64_t oEnd);
  PeakLoop peak;
};

// Weights and activations as bfloat16, multiplied by the processor's instruction for it: not the
// bits of any other kernel, but like them independent of the other rows and of the threads. Null
// where there is no such instruction.
struct Bf16DotKernels {
  // dst[i] = x[i] rounded to bfloat16.
  void (*round)(uint16_t* dst, const float* x, int64_t n);
  void (*matmul)(const MatmulArgs<uint16_t, uint16_t>& args, int64_t oBegin, int64_t oEnd);
  PeakLoop peak;
};

struct KernelTable {
  const char* isa;
  void (*matmulF32)(const MatmulArgs<float, float>& args, int64_t oBegin, int64_t oEnd);
  // w as IEEE half or bfloat16: the bits that the same values give as f32.
  void (*matmulF16)(const MatmulArgs<float, uint16_t>& args, int64_t oBegin, int64_t oEnd);
  void (*matmulBf16)(const MatmulArgs<float, uint16_t>& args, int64_t oBegin, int64_t oEnd);
  PanelKernels panels;
  Bf16DotKernels bf16Dots;
  // y, x: (n); gain (n); bias (n) or null. y may be x.
  void (*layerNorm)(float* y, const float* x, const float* gain, const float* bias, int64_t n,
                    float eps);
  void (*rmsNorm)(float* y, const float* x, const float* gain, int64_t n, float eps);
  // y[i] = act(x[i]) * (up ? up[i] : 1); y may be x. `table` is null to evaluate the formula, else
  // f16 bits of act for all 65536 f16 patterns, looked up for x rounded to f16, ties to even.
  // Outside (-10, 10) for GELU, (-20, 20) for SiLU by table and (-87, 87) for SiLU by formula, act
  // is 0 or x. NaN stays NaN. Both GELUs are evaluated without cancellation: the tanh form as
  // x / (1 + exp(-2u)), the erf form as x times the normal distribution function.
  void (*activate)(float* y, const float* x, const float* up, int64_t n, ActivationKind kind,
                   const uint16_t* table);
  // Rotates one head in place. cos, sin: (headDim / 2), for this position.
  // interleaved: pairs (2i, 2i+1), else (i, i + headDim/2).
  void (*rope)(float* head, const float* cos, const float* sin, int64_t headDim, bool interleaved);
  void (*attention)(const AttentionArgs& args);
  // x[i] += y[i]
  void (*add)(float* x, const float* y, int64_t n);
  // dst[i] = float(src[i]) from IEEE half / bfloat16.
  void (*expandF16)(float* dst, const uint16_t* src, int64_t n);
  void (*expandBf16)(float* dst, const uint16_t* src, int64_t n);
  // Sums the n floats at x, for the bandwidth probe.
  float (*readSum)(const float* x, int64_t n);
  PeakLoop f32Peak;
};

// Floats of scratch that `attention` needs for that many rows over that many positions.
int64_t attentionScratchFloats(int64_t nRows, int64_t positions);

// The table for "avx512bf16", "avx512vnni", "avx512", "avx2" or "scalar"; null name or "":
// TANDEM_ISA, else the best available. Throws Error(TD_UNSUPPORTED) for a name this machine or
// build lacks.
const KernelTable& kernels(const char* isa);

}  // namespace tandem

#endif  // TANDEM_KERNELS_KERNELS_H_
