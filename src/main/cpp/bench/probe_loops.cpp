#include "bench/probe_loops.h"

#include <string>

#include "core/error.h"

namespace tandem {

ProbeLoops probeLoops(const char* isa) {
  const std::string name = isa;
  if (name == "scalar") return kScalarProbeLoops;
#if defined(__x86_64__) && defined(__GNUC__)
  if (name == "avx2") return kAvx2ProbeLoops;
  if (name == "avx512") return kAvx512ProbeLoops;
  if (name == "avx512vnni") return kAvx512VnniProbeLoops;
  if (name == "avx512bf16") {
    ProbeLoops loops = kAvx512VnniProbeLoops;
    loops.bf16Dot = kAvx512Bf16DotPeak;
    return loops;
  }
#elif defined(__aarch64__)
  if (name == "neon") return kNeonProbeLoops;
  if (name == "neondot") return kNeonDotProbeLoops;
#endif
  throw Error(ErrorKind::kInternal, "no probe loops for instruction set \"" + name + "\"");
}

}  // namespace tandem
