#include "kernels/avx512vnni/dots.h"
#include "kernels/table.h"

namespace tandem {

constexpr PanelKernels kAvx512VnniPanels = makePanels<avx512vnni::Dots>();

}  // namespace tandem
