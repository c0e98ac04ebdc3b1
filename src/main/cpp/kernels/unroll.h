// Asks for a loop of constant length to be unrolled, so that the arrays it indexes stay in
// registers.
#ifndef TANDEM_KERNELS_UNROLL_H_
#define TANDEM_KERNELS_UNROLL_H_

#if defined(__clang__)
#define TANDEM_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TANDEM_UNROLL _Pragma("GCC unroll 64")
#else
#define TANDEM_UNROLL
#endif

#endif  // TANDEM_KERNELS_UNROLL_H_
