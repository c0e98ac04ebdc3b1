// One instruction set's table, made from the loops; and the tables that this build has.
#ifndef TANDEM_KERNELS_TABLE_H_
#define TANDEM_KERNELS_TABLE_H_

#include "kernels/attention_loops.h"
#include "kernels/kernels.h"
#include "kernels/kv_store_loops.h"
#include "kernels/matmul_loops.h"
#include "kernels/panel_loops.h"
#include "kernels/peak_loops.h"
#include "kernels/row_loops.h"

namespace tandem {

template <class D>
constexpr PanelKernels makePanels() {
  return {&quantize<D>,
          &panelMatmul<D, Q8Panel>,
          &panelMatmul<D, Q4Panel>,
          &panelMatmul<D, Q4KPanel>,
          &panelMatmul<D, Q6KPanel>,
          q8Peak<D>(),
          q4Peak<D>()};
}

template <class F>
constexpr KvKernels makeKv() {
  return {&storeKeys<F>, &storeValues<F>, &attention<F>};
}

template <class V>
constexpr KernelTable makeTable(const char* isa, const PanelKernels& panels) {
  return {isa,
          &matmul<F32Weights<V>>,
          &matmul<F16Weights<V>>,
          &matmul<Bf16Weights<V>>,
          panels,
          {},
          &layerNorm<V>,
          &rmsNorm<V>,
          &activate<V>,
          &rope<V>,
          {makeKv<F32Kv<V>>(), makeKv<F16Kv<V>>(), makeKv<Q8Kv<V>>()},
          &combinePartials<V>,
          &add<V>,
          &expandF16<V>,
          &expandBf16<V>,
          &readSum<V>,
          f32Peak<V>()};
}

// Constants: nothing of an instruction set's file may run before dispatch has chosen it.
extern const KernelTable kScalarKernels;
#if defined(__x86_64__) || defined(_M_X64)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
// What replaces parts of the AVX-512 table where the processor has more.
extern const PanelKernels kAvx512VnniPanels;
extern const Bf16DotKernels kAvx512Bf16Dots;
#elif defined(__aarch64__)
extern const KernelTable kNeonKernels;
// What replaces part of the NEON table where the processor has dot products.
extern const PanelKernels kNeonDotPanels;
#endif

}  // namespace tandem

#endif  // TANDEM_KERNELS_TABLE_H_
