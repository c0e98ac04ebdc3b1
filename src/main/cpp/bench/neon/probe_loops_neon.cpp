#include "bench/peak_loops.h"
#include "kernels/neon/dots.h"
#include "kernels/neon/vec16.h"

namespace tandem {

constexpr ProbeLoops kNeonProbeLoops = makeProbeLoops<neon::Vec16, neon::Dots>();

}  // namespace tandem
