#include "kernels/neondot/dots.h"
#include "kernels/table.h"

namespace tandem {

constexpr PanelKernels kNeonDotPanels = makePanels<neondot::Dots>();

}  // namespace tandem
