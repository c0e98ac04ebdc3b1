// One instruction set's table, made from the loops, and the tables that this build has. Fields are
// filled by name: several have the same type.
#ifndef TANDEM_KERNELS_TABLE_H_
#define TANDEM_KERNELS_TABLE_H_

#include "kernels/attention_loops.h"
#include "kernels/kernels.h"
#include "kernels/kv_store_loops.h"
#include "kernels/matmul_loops.h"
#include "kernels/panel_loops.h"
#include "kernels/row_loops.h"

namespace tandem {

template <class D>
constexpr PanelKernels makePanels() {
  PanelKernels panels{};
  panels.quantize = &quantize<D>;
  panels.matmulQ8 = &panelMatmul<D, Q8Panel>;
  panels.matmulQ4 = &panelMatmul<D, Q4Panel>;
  panels.matmulQ4K = &panelMatmul<D, Q4KPanel>;
  panels.matmulQ6K = &panelMatmul<D, Q6KPanel>;
  return panels;
}

template <class F>
constexpr KvKernels makeKv() {
  KvKernels kv{};
  kv.storeKeys = &storeKeys<F>;
  kv.storeValues = &storeValues<F>;
  kv.attention = &attention<F>;
  return kv;
}

template <class V>
constexpr KernelTable makeTable(const char* isa, const PanelKernels& panels) {
  KernelTable table{};
  table.isa = isa;
  table.matmulF32 = &matmul<F32Weights<V>>;
  table.matmulF16 = &matmul<F16Weights<V>>;
  table.matmulBf16 = &matmul<Bf16Weights<V>>;
  table.panels = panels;
  table.layerNorm = &layerNorm<V>;
  table.rmsNorm = &rmsNorm<V>;
  table.activate = &activate<V>;
  table.rope = &rope<V>;
  table.kv[static_cast<int>(KvType::kF32)] = makeKv<F32Kv<V>>();
  table.kv[static_cast<int>(KvType::kF16)] = makeKv<F16Kv<V>>();
  table.kv[static_cast<int>(KvType::kQ8)] = makeKv<Q8Kv<V>>();
  table.combinePartials = &combinePartials<V>;
  table.add = &add<V>;
  table.expandF16 = &expandF16<V>;
  table.expandBf16 = &expandBf16<V>;
  return table;
}

// Constants: nothing of an instruction set's file may run before dispatch has chosen it.
extern const KernelTable kScalarKernels;
#if defined(__x86_64__) || defined(_M_X64)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
// Replacements of parts of the AVX-512 table for processors with more instructions.
extern const PanelKernels kAvx512VnniPanels;
extern const Bf16DotKernels kAvx512Bf16Dots;
#elif defined(__aarch64__)
extern const KernelTable kNeonKernels;
// Replacements of parts of the NEON table for processors with dot products.
extern const PanelKernels kNeonDotPanels;
#endif

}  // namespace tandem

#endif  // TANDEM_KERNELS_TABLE_H_
