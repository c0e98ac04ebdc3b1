#include "bench/peak_loops.h"
#include "kernels/avx512/vec16.h"
#include "kernels/avx512vnni/dots.h"

namespace tandem {

constexpr ProbeLoops kAvx512VnniProbeLoops = makeProbeLoops<avx512::Vec16, avx512vnni::Dots>();

}  // namespace tandem
