// One instruction set's table, made from the loops; and the tables that this build has.
#ifndef TANDEM_KERNELS_TABLE_H_
#define TANDEM_KERNELS_TABLE_H_

#include "kernels/attention_loops.h"
#include "kernels/kernels.h"
#include "kernels/matmul_loops.h"
#include "kernels/row_loops.h"

namespace tandem {

template <class V>
constexpr KernelTable makeTable(const char* isa) {
  return {isa,           &matmul<V>, &layerNorm<V>, &rmsNorm<V>,    &activate<V>, &rope<V>,
          &attention<V>, &add<V>,    &expandF16<V>, &expandBf16<V>, &readSum<V>};
}

// Constants: nothing of an instruction set's file may run before dispatch has chosen it.
extern const KernelTable kScalarKernels;
#if defined(__x86_64__) || defined(_M_X64)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
#endif

}  // namespace tandem

#endif  // TANDEM_KERNELS_TABLE_H_
