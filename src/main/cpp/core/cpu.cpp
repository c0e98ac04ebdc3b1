#include "core/cpu.h"

#include <array>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#define TANDEM_X86 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__linux__)
#include <fstream>
#endif

namespace tandem {
namespace {

#if defined(TANDEM_X86)

struct CpuidRegisters {
  unsigned eax, ebx, ecx, edx;
};

CpuidRegisters cpuid(unsigned leaf) {
  CpuidRegisters r{};
#if defined(_MSC_VER)
  int values[4];
  __cpuidex(values, static_cast<int>(leaf), 0);
  std::memcpy(&r, values, sizeof(r));
#else
  __cpuid_count(leaf, 0, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

std::string readName() {
  constexpr unsigned kFirstLeaf = 0x80000002;  // three leaves of 16 characters
  if (cpuid(0x80000000).eax < kFirstLeaf + 2) return "x86-64";
  std::array<char, 49> brand{};
  for (unsigned i = 0; i < 3; ++i) {
    const CpuidRegisters r = cpuid(kFirstLeaf + i);
    std::memcpy(brand.data() + 16 * i, &r, 16);
  }
  return brand.data();
}

#elif defined(__APPLE__)

std::string readName() {
  std::array<char, 256> brand{};
  size_t size = brand.size() - 1;
  if (sysctlbyname("machdep.cpu.brand_string", brand.data(), &size, nullptr, 0) != 0) return "Mac";
  return brand.data();
}

#elif defined(__linux__)

// Some ARM kernels give a "Model name"; boards give "Model".
std::string readName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    const bool isName = line.rfind("model name", 0) == 0 || line.rfind("Model", 0) == 0;
    if (isName && colon != std::string::npos) return line.substr(colon + 2);
  }
#if defined(__aarch64__)
  return "AArch64";
#else
  return "unknown processor";
#endif
}

#else

std::string readName() { return "unknown processor"; }

#endif

std::string trim(const std::string& s) {
  const size_t begin = s.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return s.substr(begin, s.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

const std::string& cpuName() {
  static const std::string name = trim(readName());
  return name;
}

bool cpuHasAvx512() {
#if defined(TANDEM_X86) && defined(_MSC_VER)
  if (cpuid(0).eax < 7 || (cpuid(1).ecx & (1u << 27)) == 0) return false;  // leaf 7, OSXSAVE
  constexpr unsigned long long kZmmState = 0xE6;  // XMM, YMM, opmask and both ZMM halves
  if ((_xgetbv(0) & kZmmState) != kZmmState) return false;
  constexpr unsigned kFeatures = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  return (cpuid(7).ebx & kFeatures) == kFeatures;
#elif defined(TANDEM_X86)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace tandem
