// Unrolls a loop of constant length, so that the arrays it indexes stay in registers.
#ifndef TANDEM_KERNELS_UNROLL_H_
#define TANDEM_KERNELS_UNROLL_H_

#if defined(__clang__)
#define TANDEM_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TANDEM_UNROLL _Pragma("GCC unroll 64")
#else
#define TANDEM_UNROLL
#endif

// Whether a register tile is inlined into the loops around it, whose variables compete with it for
// registers.
#if defined(__GNUC__)
#define TANDEM_NOINLINE __attribute__((noinline))
#define TANDEM_INLINE inline __attribute__((always_inline))
#else
#define TANDEM_NOINLINE
#define TANDEM_INLINE inline
#endif

#endif  // TANDEM_KERNELS_UNROLL_H_
