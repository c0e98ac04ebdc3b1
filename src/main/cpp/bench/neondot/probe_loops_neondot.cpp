#include "bench/peak_loops.h"
#include "kernels/neon/vec16.h"
#include "kernels/neondot/dots.h"

namespace tandem {

constexpr ProbeLoops kNeonDotProbeLoops = makeProbeLoops<neon::Vec16, neondot::Dots>();

}  // namespace tandem
