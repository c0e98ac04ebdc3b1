#include "kernels/avx2/dots.h"
#include "kernels/avx2/vec16.h"
#include "kernels/table.h"

namespace tandem {

constexpr KernelTable kAvx2Kernels = makeTable<avx2::Vec16>("avx2", makePanels<avx2::Dots>());

}  // namespace tandem
