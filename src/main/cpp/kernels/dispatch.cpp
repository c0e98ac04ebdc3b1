#include <cstdlib>
#include <string>

#include "core/cpu.h"
#include "core/error.h"
#include "kernels/table.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace tandem {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
bool hasF16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
// The builtins also ask the operating system whether it saves the wide registers.
bool hasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && hasF16c();
}
#if defined(TANDEM_EMULATE_AVX512)
bool hasAvx512() { return hasAvx2(); }
bool hasVnni() { return hasAvx2(); }
bool hasBf16() { return hasAvx2(); }
#else
bool hasAvx512() { return hasAvx2() && cpuHasAvx512(); }
bool hasVnni() { return hasAvx512() && __builtin_cpu_supports("avx512vnni"); }
bool hasBf16() { return hasVnni() && __builtin_cpu_supports("avx512bf16"); }
#endif

KernelTable avx512VnniKernels() {
  KernelTable table = kAvx512Kernels;
  table.isa = "avx512vnni";
  table.panels = kAvx512VnniPanels;
  return table;
}

KernelTable avx512Bf16Kernels() {
  KernelTable table = avx512VnniKernels();
  table.isa = "avx512bf16";
  table.bf16Dots = kAvx512Bf16Dots;
  return table;
}
#elif defined(__aarch64__)
// NEON itself is part of AArch64. Every Apple processor with macOS has dot products.
bool hasDotProducts() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  return true;
#else
  return false;
#endif
}

KernelTable neonDotKernels() {
  KernelTable table = kNeonKernels;
  table.isa = "neondot";
  table.panels = kNeonDotPanels;
  return table;
}
#endif

struct Candidate {
  const KernelTable* table;
  bool available;
};

// Best first.
const Candidate* candidates(int& count) {
#if defined(__x86_64__) && defined(__GNUC__)
  static const KernelTable vnni = avx512VnniKernels();
  static const KernelTable bf16 = avx512Bf16Kernels();
  static const Candidate kList[] = {{&bf16, hasBf16()},
                                    {&vnni, hasVnni()},
                                    {&kAvx512Kernels, hasAvx512()},
                                    {&kAvx2Kernels, hasAvx2()},
                                    {&kScalarKernels, true}};
#elif defined(__aarch64__)
  static const KernelTable dot = neonDotKernels();
  static const Candidate kList[] = {
      {&dot, hasDotProducts()}, {&kNeonKernels, true}, {&kScalarKernels, true}};
#else
  static const Candidate kList[] = {{&kScalarKernels, true}};
#endif
  count = static_cast<int>(sizeof kList / sizeof kList[0]);
  return kList;
}

}  // namespace

const KernelTable& kernels(const char* isa) {
  std::string name = isa == nullptr ? "" : isa;
  if (name.empty()) {
    const char* fromEnvironment = std::getenv("TANDEM_ISA");
    if (fromEnvironment != nullptr) name = fromEnvironment;
  }
  int count = 0;
  const Candidate* list = candidates(count);
  std::string valid;
  for (int i = 0; i < count; ++i) {
    if (!list[i].available) continue;
    if (name.empty() || name == list[i].table->isa) return *list[i].table;
    valid += (valid.empty() ? "" : ", ") + std::string(list[i].table->isa);
  }
  throw Error(ErrorKind::kUnsupported,
              "instruction set \"" + name + "\" is not available here; choose one of: " + valid);
}

}  // namespace tandem
