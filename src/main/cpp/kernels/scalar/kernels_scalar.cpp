#include "kernels/scalar/dots.h"
#include "kernels/scalar/vec16.h"
#include "kernels/table.h"

namespace tandem {

constexpr KernelTable kScalarKernels =
    makeTable<scalar::Vec16>("scalar", makePanels<scalar::Dots>());

}  // namespace tandem
