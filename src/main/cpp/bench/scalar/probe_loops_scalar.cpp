#include "bench/peak_loops.h"
#include "kernels/scalar/dots.h"
#include "kernels/scalar/vec16.h"

namespace tandem {

constexpr ProbeLoops kScalarProbeLoops = makeProbeLoops<scalar::Vec16, scalar::Dots>();

}  // namespace tandem
