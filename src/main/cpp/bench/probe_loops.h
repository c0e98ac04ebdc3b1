// Loops for measurements only: the arithmetic of the matrix products without their memory, and
// reads of memory without arithmetic. One set for each instruction set.
#ifndef TANDEM_BENCH_PROBE_LOOPS_H_
#define TANDEM_BENCH_PROBE_LOOPS_H_

#include <cstdint>

namespace tandem {

struct PeakLoop {
  float (*run)(int64_t n);  // n rounds; the result keeps the compiler from removing the work
  int64_t operations;       // of one round: a product and its sum are two
};

struct ProbeLoops {
  PeakLoop f32;      // products in f32
  PeakLoop q8;       // products of panels of 8 bits
  PeakLoop q4;       // products of panels of 4 bits
  PeakLoop bf16Dot;  // the processor's bf16 products; run is null if it has none
  // Sums the n floats at x.
  float (*readSum)(const float* x, int64_t n);
};

// The loops of an instruction set, by the isa of a table from kernels().
ProbeLoops probeLoops(const char* isa);

// Constants: nothing of an instruction set's file may run before dispatch has chosen it.
extern const ProbeLoops kScalarProbeLoops;
#if defined(__x86_64__) || defined(_M_X64)
extern const ProbeLoops kAvx2ProbeLoops;
extern const ProbeLoops kAvx512ProbeLoops;
extern const ProbeLoops kAvx512VnniProbeLoops;
extern const PeakLoop kAvx512Bf16DotPeak;
#elif defined(__aarch64__)
extern const ProbeLoops kNeonProbeLoops;
extern const ProbeLoops kNeonDotProbeLoops;
#endif

}  // namespace tandem

#endif  // TANDEM_BENCH_PROBE_LOOPS_H_
