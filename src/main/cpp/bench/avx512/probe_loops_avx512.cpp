#include "bench/peak_loops.h"
#include "kernels/avx512/dots.h"
#include "kernels/avx512/vec16.h"

namespace tandem {

constexpr ProbeLoops kAvx512ProbeLoops = makeProbeLoops<avx512::Vec16, avx512::Dots>();

}  // namespace tandem
