// The processor and its features.
#ifndef TANDEM_CORE_CPU_H_
#define TANDEM_CORE_CPU_H_

#include <string>

namespace tandem {

// The brand string, e.g. "AMD EPYC 9554P"; the architecture's name if there is none.
const std::string& cpuName();

// AVX-512 F, BW, DQ and VL, all of them enabled by the operating system.
bool cpuHasAvx512();

}  // namespace tandem

#endif  // TANDEM_CORE_CPU_H_
