#include "bench/peak_loops.h"
#include "kernels/avx2/dots.h"
#include "kernels/avx2/vec16.h"

namespace tandem {

constexpr ProbeLoops kAvx2ProbeLoops = makeProbeLoops<avx2::Vec16, avx2::Dots>();

}  // namespace tandem
