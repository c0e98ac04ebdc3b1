// The allocator of the allocation test, and its counter.
#ifndef TANDEM_TEST_ALLOCATION_COUNTING_ALLOCATOR_H_
#define TANDEM_TEST_ALLOCATION_COUNTING_ALLOCATOR_H_

#include <atomic>
#include <cstdint>

namespace tandem {

// Calls of operator new in this program; with glibc, and without AddressSanitizer, also of malloc
// and its kin, by anybody in the process.
extern std::atomic<int64_t> allocations;

}  // namespace tandem

#endif  // TANDEM_TEST_ALLOCATION_COUNTING_ALLOCATOR_H_
