#include "kernels/neon/dots.h"
#include "kernels/neon/vec16.h"
#include "kernels/table.h"

namespace tandem {

constexpr KernelTable kNeonKernels = makeTable<neon::Vec16>("neon", makePanels<neon::Dots>());

}  // namespace tandem
