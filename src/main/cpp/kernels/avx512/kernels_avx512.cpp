#include "kernels/avx512/dots.h"
#include "kernels/avx512/vec16.h"
#include "kernels/table.h"

namespace tandem {

constexpr KernelTable kAvx512Kernels =
    makeTable<avx512::Vec16>("avx512", makePanels<avx512::Dots>());

}  // namespace tandem
